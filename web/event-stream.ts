/** Parser for server-sent events. The page reads them with fetch() because EventSource can't send the key in a header. */

export interface StreamEvent {
  readonly name: string;
  /** The last id that the server sent, with this event or an earlier one. */
  readonly id: string;
  readonly data: string;
}

/**
 * Creates a parser for this format:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 *
 *     event: system
 *     id: 1234
 *     data: {"hostname":"raspberrypi",…}
 *
 *     : a comment
 *
 * @returns a function that takes the next piece of text; pieces may end anywhere
 */
export function createEventParser(onEvent: (event: StreamEvent) => void): (text: string) => void {
  let unfinished: string[] = [];
  let name = '';
  let id = '';
  let data: string[] = [];

  function parseLine(line: string): void {
    if (line === '') {
      if (data.length > 0) onEvent({ name: name || 'message', id, data: data.join('\n') });
      name = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (text) => {
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      // A line may be a megabyte in many pieces, so join them only once.
      const whole = unfinished.length > 0 ? unfinished.join('') + line : line;
      unfinished = [];
      parseLine(whole.endsWith('\r') ? whole.slice(0, -1) : whole);
    }
    if (rest) unfinished.push(rest);
  };
}
