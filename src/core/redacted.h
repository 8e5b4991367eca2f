#pragma once
/* What retention puts in the place of a message's text. It is no text of anybody's, so search finds nothing in it. */
#define REDACTED_TEXT "[redacted]"
