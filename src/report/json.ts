// JSON that loses nothing: bigint as a plain integer literal, NaN and the infinities as texts.

/**
 * `value` as JSON. A bigint becomes an integer literal of any length; NaN, Infinity and -Infinity, which JSON does not
 * have, become the texts "NaN", "Infinity", "-Infinity"; Map becomes an object; typed arrays become arrays.
 * With `indent`, arrays of plain numbers stay on one line.
 */
export function toJson(value: unknown, indent = 0): string {
  return write(value, indent, '') ?? 'null';
}

function write(value: unknown, indent: number, margin: string): string | undefined {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value));
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof Map) return write(Object.fromEntries(value), indent, margin);
  if (ArrayBuffer.isView(value)) return write(Array.from(value as Float32Array), indent, margin);
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON(), indent, margin);
  const inner = margin + ' '.repeat(indent);
  const flat = Array.isArray(value) && value.every((item) => typeof item === 'number' || typeof item === 'bigint');
  const parts = Array.isArray(value)
    ? value.map((item) => write(item, indent, inner) ?? 'null')
    : Object.entries(value).flatMap(([key, item]) => {
        const text = write(item, indent, inner);
        return text === undefined ? [] : [`${JSON.stringify(key)}:${indent > 0 ? ' ' : ''}${text}`];
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (parts.length === 0 || indent === 0) return `${open}${parts.join(',')}${close}`;
  if (flat) return `[${parts.join(', ')}]`;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`;
}
