import type { JSX } from 'preact';

/** A share as a bar, for the eye alone: the figure stands beside it in words. */
export function Meter({ share }: { share: number }): JSX.Element {
  const fill = (element: HTMLElement | null): void => {
    // Set through the object model: the policy of these pages allows no style attribute.
    element?.style.setProperty('width', `${Math.max(0, Math.min(100, 100 * share))}%`);
  };
  return (
    <div class="meter" aria-hidden="true">
      <span ref={fill} />
    </div>
  );
}
