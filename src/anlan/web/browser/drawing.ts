/** What an item of a custom series is drawn with. */
export type Drawing = {
  value: (dimension: number) => number;
  coord: (point: number[]) => number[];
  size: (span: number[]) => number[];
};
