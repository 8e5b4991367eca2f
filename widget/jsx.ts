/* What build.mjs writes for JSX: calls of h, which are smaller than those that tsconfig.json's jsx setting stands for. */
export { Fragment, h } from 'preact';
