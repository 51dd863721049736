/** Between `<!-- name -->` and `<!-- /name -->` a page holds what a program writes; the rest is a person's. */
export function replaceSection(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  // A page whose markers a person has taken out is left as it is.
  if (from < 0 || to < from) return page;
  return `${page.slice(0, from + begin.length)}\n\n${content}\n\n${page.slice(to)}`;
}
