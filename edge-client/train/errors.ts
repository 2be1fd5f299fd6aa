import { TwinkeepError } from '@twinkeep/audit';

export type TrainErrorCode =
  'rows/malformed' | 'clip/out-of-range' | 'training/diverged' | 'tfjs/not-loadable';

export class TrainError extends TwinkeepError<TrainErrorCode> {
  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'TrainError';
  }
}
