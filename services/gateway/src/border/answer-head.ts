/** Where headers of an answer are set: the answer itself, or a list that is sent with it. */
export interface HeaderSink {
  setHeader(name: string, value: string): unknown;
}

/**
 * Headers of an answer in the making, names and values by turns. Node sends such a list as it is; headers that are set on the answer
 * one by one are each looked up, kept and read again.
 */
export class AnswerHead implements HeaderSink {
  readonly list: string[] = [];

  setHeader(name: string, value: string): void {
    this.list.push(name, value);
  }

  /** Sets them on the answer after all, for whoever goes on with it in the usual way. */
  moveTo(res: HeaderSink): void {
    for (let i = 0; i < this.list.length; i += 2) res.setHeader(this.list[i]!, this.list[i + 1]!);
    this.list.length = 0;
  }
}
