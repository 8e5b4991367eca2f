#pragma once
/* The program's version: `helvino version`, /health. Semantic versioning, of the HTTP API and the command line. */
#define HELVINO_VERSION "0.1.0"
