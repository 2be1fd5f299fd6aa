import { TwinkeepError } from '@twinkeep/audit';
import type { EvidenceSection } from '@twinkeep/protocol';

export type AuditorErrorCode = 'pack/malformed' | 'pack/changed' | 'pack/foreign' | 'pack/too-large';

/** A pack that says nothing, because it is not as the coordinator signed it. `part` names where. */
export class PackError extends TwinkeepError<AuditorErrorCode> {
  readonly part: 'file' | 'manifest' | EvidenceSection;

  constructor(code: AuditorErrorCode, part: PackError['part'], message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'PackError';
    this.part = part;
  }
}
