/** What is wrong with a Parquet file, without its place: whoever reads the file adds it. */
export class DamagedParquet extends Error {}
