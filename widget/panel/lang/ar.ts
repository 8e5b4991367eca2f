import { english, type Texts } from '../texts.ts';
const texts: Texts = english;
export default texts;
