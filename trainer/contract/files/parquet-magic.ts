/** What a Parquet file begins and ends with. */
export const parquetMagic = 'PAR1';

/** Whether the first bytes of a file, at least four where it has them, are those of a Parquet file. */
export function beginsAsParquet(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, parquetMagic.length)).toString('latin1') === parquetMagic;
}
