/* What build.mjs puts into the bundles: where the server has the other files, as paths from its root. */
declare const __CLIENT_FILE__: string; // in the loader
declare const __PANEL_FILE__: string; // in the loader
declare const __LIVE_FILE__: string; // in the client: the stream
declare const __LATER_FILE__: string; // in the client: what reading and writing can do without
declare const __MORE_FILE__: string; // in the panel: what is seldom wanted
declare const __LANG_FILES__: Record<string, string>; // in the panel and the inbox, by language
declare const __APP_FILE__: string; // in the inbox's first file: the application

/** `import css from './panel.css'`: the style sheet, minified. */
declare module '*.css' {
    const text: string;
    export default text;
}
