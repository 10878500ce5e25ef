/**
 * Text that comes from files, as a terminal may have it: control characters, which could move the cursor, clear the
 * screen or turn the writing round, are spelled out.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return character.codePointAt(0)! < 0x100 ? `\\x${code.padStart(2, '0')}` : `\\u${code}`;
  });
}
