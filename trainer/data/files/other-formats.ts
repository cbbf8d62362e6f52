const utf16 = 'UTF-16; expected JSONL in UTF-8 (iconv -f UTF-16 -t UTF-8 FILE)';

/** Formats that people have instead of JSONL, by how their files begin, and what makes JSONL of them. */
const byFirstBytes: readonly { readonly bytes: string; readonly words: string }[] = [
  {
    bytes: 'PAR1',
    words: 'Parquet in a stream; expected JSONL, or the path of the Parquet file',
  },
  { bytes: '\x1f\x8b', words: 'a gzip archive; expected JSONL (gunzip FILE)' },
  { bytes: '\x28\xb5\x2f\xfd', words: 'a zstd archive; expected JSONL (zstd -d FILE)' },
  {
    bytes: 'ARROW1',
    words:
      'an Arrow file; expected JSONL or Parquet (Python: datasets.Dataset.from_file("FILE").to_parquet("FILE.parquet"))',
  },
  { bytes: '\xff\xfe', words: utf16 },
  { bytes: '\xfe\xff', words: utf16 },
  { bytes: 'PK\x03\x04', words: 'a ZIP archive; expected JSONL (unzip FILE)' },
];

/** What a file is, in words with a remedy, if it begins as one of another format. */
export function otherFormat(start: Buffer): string | undefined {
  return byFirstBytes.find(({ bytes }) => start.subarray(0, bytes.length).equals(Buffer.from(bytes, 'latin1')))?.words;
}

const one = 'expected one JSON object a line';

/** What to do about text that is no JSON, or nothing. */
export function remedyFor(text: string): string {
  const start = text.trim();
  if (start.startsWith('[')) return `; found the start of a JSON array, ${one} (jq -c '.[]' FILE makes it)`;
  if (start === '{') return `; found an object over several lines, ${one} (jq -c . FILE makes it)`;
  if (start.startsWith("{'"))
    return '; found single quotes, as Python prints objects; expected JSON (Python: json.dumps(row))';
  if (/[:[,]\s*-?(?:NaN|Infinity)\s*[,}\]]/.test(start))
    return '; found NaN or Infinity, which Python writes and JSON has not; expected null';
  if (start.startsWith('{')) return start.endsWith('}') ? '' : '; the line ends within its row: is the file whole?';
  return start.includes(',') && !/[{}]/.test(start)
    ? `; found what may be CSV, ${one} (Python: pandas.read_csv("FILE").to_json("FILE.jsonl", orient="records", lines=True))`
    : `; ${one}`;
}
