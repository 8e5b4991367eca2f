/** A constructable style sheet, which needs no unsafe-inline. */
export function styled(css: string): CSSStyleSheet {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
}
