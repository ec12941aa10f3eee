// The log of a run, log.jsonl: one JSON record a line, in the order of the steps, each step once whatever was resumed.
import { joinPath, type Storage } from '../formats/storage.ts';
import { RUN_FILES } from './run-folder.ts';

export interface LogRecord {
  readonly kind: string;
  readonly step: number;
  readonly [key: string]: unknown;
}

export class RunLog {
  /** What the file holds. */
  readonly records: LogRecord[];

  private constructor(
    private readonly storage: Storage,
    private readonly path: string,
    private readonly toLine: (record: LogRecord) => string,
    records: LogRecord[],
  ) {
    this.records = records;
  }

  /**
   * Opens the log of a run that stands at `step`: what was logged after it, and a line that a kill cut off, is dropped.
   * @param toLine a record as JSON with a line end
   */
  static async open(
    storage: Storage,
    folder: string,
    step: number,
    toLine: (record: LogRecord) => string,
  ): Promise<RunLog> {
    const path = joinPath(folder, RUN_FILES.log);
    const records = (await readRecords(storage, path)).filter((record) => record.step <= step);
    await storage.write(path, new TextEncoder().encode(records.map(toLine).join('')));
    return new RunLog(storage, path, toLine, records);
  }

  async append(record: LogRecord): Promise<void> {
    this.records.push(record);
    await this.storage.append(this.path, this.toLine(record));
  }
}

async function readRecords(storage: Storage, path: string): Promise<LogRecord[]> {
  if (!(await storage.exists(path))) return [];
  const lines = new TextDecoder().decode(await storage.read(path)).split('\n');
  return lines.flatMap((line) => {
    try {
      const record = JSON.parse(line) as LogRecord | null;
      return typeof record?.step === 'number' ? [record] : [];
    } catch {
      return [];
    }
  });
}
