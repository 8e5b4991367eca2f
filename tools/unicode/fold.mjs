#!/usr/bin/env node
/*
 * Usage: node tools/unicode/fold.mjs >src/search/fold.h
 *
 * Makes the table by which search reads text, from the Unicode Character Database as this Node carries it (its version is written
 * into the table): what separates words, what is passed over, and to what a letter is folded. Letters are folded where people leave
 * out what a keyboard lacks: case, accents, harakat, the forms of alef; in Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and
 * Arabic, in digits of every script, and in full-width forms. A script whose words are not set apart by blanks is read in pairs.
 */
const LAST = 0xffff; // what lies beyond is known in whole planes and blocks, without a table
const SHIFT = 6;
const SEPARATOR = 0;
const IGNORED = 1;
const SELF = 2;
const PAIRED = 3;
const SYMBOL = 4;
const STRINGS = 0xe000; // of the private use area: the index of a fold to several letters

const MARKS = /[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f]/u;
const IN_PAIRS = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Bopo}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}\u30fc]/u;
const FOLDED = /[\u0041-\u005a\u00aa-\u02af\u0370-\u06ff\u10a0-\u10ff\u1c80-\u1cbf\u1e00-\u1fff\u2c60-\u2c7f\u2d00-\u2d2f\ua640-\ua69f\ua722-\ua7ff\ufb00-\ufb06\uff00-\uffef]/u;

// What decomposing does not say: strokes, ligatures, and letters that are typed one for the other.
const BY_HAND = new Map(Object.entries({
    ß: 'ss', ı: 'i', ł: 'l', ø: 'o', đ: 'd', ð: 'd', ħ: 'h', ŧ: 't', ŋ: 'n', ĸ: 'k', æ: 'ae', œ: 'oe', þ: 'th', ə: 'e', ς: 'σ',
    ٱ: 'ا', ى: 'ي', ة: 'ه', ک: 'ك', ی: 'ي', ے: 'ي', ھ: 'ه', ہ: 'ه', ە: 'ه',
}));

const strings = [];

/** A letter of several becomes a place in `strings`. */
function valueOf(text) {
    if ([...text].length === 1) return text.codePointAt(0);
    if (!strings.includes(text)) strings.push(text);
    return STRINGS + strings.indexOf(text);
}

function lettersOf(text) {
    return [...text.normalize('NFKD')].filter((letter) => !MARKS.test(letter) && /[\p{L}\p{N}]/u.test(letter)).join('');
}

function fold(letter) {
    const lower = lettersOf(lettersOf(letter).toLowerCase());
    return [...lower].map((one) => BY_HAND.get(one) ?? one).join('');
}

/** 0 to 9: the digits of a script stand side by side, the zero first. */
function digitValue(code) {
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) --zero;
    return code - zero;
}

/** null: not assigned, whatever is convenient. */
function classify(code) {
    const letter = String.fromCodePoint(code);
    if (/\p{Cn}|\p{Cs}|\p{Co}/u.test(letter)) return null;
    if (code === 0x200b) return SEPARATOR;
    if (MARKS.test(letter) || /\p{Cf}/u.test(letter)) return IGNORED;
    if (/\p{Nd}/u.test(letter)) return 0x30 + digitValue(code);
    if (IN_PAIRS.test(letter)) return /[\p{L}\p{M}\p{Nl}]/u.test(letter) ? PAIRED : SEPARATOR;
    if (/\p{Extended_Pictographic}/u.test(letter)) return SYMBOL;
    if (!/[\p{L}\p{M}\p{Nl}]/u.test(letter)) return SEPARATOR;
    const folded = FOLDED.test(letter) ? fold(letter) : letter;
    return folded === '' ? IGNORED : folded === letter ? SELF : valueOf(folded);
}

/** Blocks of 64, equal ones once; what is not assigned takes the value before it. */
function makeBlocks() {
    const blocks = new Map();
    const index = [];
    for (let first = 0; first <= LAST; first += 1 << SHIFT) {
        const values = Array.from({ length: 1 << SHIFT }, (_, i) => classify(first + i));
        let last = values.find((value) => value !== null) ?? SELF;
        for (let i = 0; i < values.length; ++i) {
            if (values[i] === null) values[i] = last === SEPARATOR || last === PAIRED || last === SYMBOL ? last : SELF;
            last = values[i];
        }
        const key = values.join();
        if (!blocks.has(key)) blocks.set(key, { number: blocks.size, values });
        index.push(blocks.get(key).number);
    }
    return { index, blocks: [...blocks.values()].map((block) => block.values) };
}

/** `[0 ... 7] = 2` in place of eight equal numbers. */
function shorten(values) {
    const out = [];
    for (let i = 0, end; i < values.length; i = end) {
        for (end = i + 1; end < values.length && values[end] === values[i]; ) ++end;
        if (end - i > 4) out.push(`[${i} ... ${end - 1}] = ${values[i]}`);
        else out.push(...values.slice(i, end));
    }
    return out;
}

function lines(values) {
    const out = [];
    let line = '   ';
    for (const value of values) {
        const text = ` ${value},`;
        if (line.length + text.length > 120) {
            out.push(line);
            line = '   ';
        }
        line += text;
    }
    return [...out, line].join('\n');
}

const { index, blocks } = makeBlocks();
if (blocks.length > 256) throw new Error(`${blocks.length} blocks do not fit a byte`);
process.stdout.write(`#pragma once
/*
 * Made by tools/unicode/fold.mjs from the Unicode Character Database, version ${process.versions.unicode}; not to be edited. How each
 * character is read: fold_values[fold_blocks[c >> FOLD_SHIFT]][c & FOLD_MASK] is one of the names below, a place in
 * fold_strings, or the letter that stands for it.
 */
#include <stdint.h>

#define FOLD_LAST 0x${LAST.toString(16)}
#define FOLD_SHIFT ${SHIFT}
#define FOLD_MASK ${(1 << SHIFT) - 1}
#define FOLD_SEPARATOR ${SEPARATOR} /* between words */
#define FOLD_IGNORED ${IGNORED}   /* as if it were not there */
#define FOLD_SELF ${SELF}      /* a letter as it is */
#define FOLD_PAIRED ${PAIRED}    /* of a script that is read in pairs */
#define FOLD_SYMBOL ${SYMBOL}    /* a word by itself */
#define FOLD_STRINGS 0x${STRINGS.toString(16)}

/* clang-format off */
static const char *const fold_strings[] = {
${lines(strings.map((text) => JSON.stringify(text)))}
};

static const uint8_t fold_blocks[(FOLD_LAST + 1) >> FOLD_SHIFT] = {
${lines(shorten(index))}
};

static const uint16_t fold_values[][FOLD_MASK + 1] = {
${blocks.map((values) => `    {${lines(shorten(values)).trim().replace(/\n/g, '\n ')}},`).join('\n')}
};
/* clang-format on */
`);
