/** Writes Markdown as docs/style.md wants it. */

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Returns a text as a table cell: on one line, without bare URLs. */
export function cell(text = ''): string {
  const words = text.trim().replaceAll('|', '\\|').replace(/\s+/g, ' ');
  return words.replace(/(?<![`(<])https?:\/\/[^\s,]+/g, '`$&`');
}

export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Breaks each paragraph and each list item of a text into lines of at most 100 columns. */
export function wrap(text: string): string {
  const blocks = text.trim().split(/\n\s*\n|\n(?=\s*- )/);
  const isItem = (block: string | undefined) => block?.trimStart().startsWith('- ');
  return blocks.reduce((page, block, index) => {
    const gap = index === 0 ? '' : isItem(block) && isItem(blocks[index - 1]) ? '\n' : '\n\n';
    return page + gap + wrapBlock(block.trim(), isItem(block) ? '  ' : '');
  }, '');
}

function wrapBlock(block: string, indent: string): string {
  const lines = [''];
  for (const word of block.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length >= 100) lines.push(indent + word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
