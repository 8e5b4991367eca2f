#pragma once
/* The files of reports/, packed into the program by pack.sh; the last one has no name. Constant data. */

struct report_file {
    const char *name, *sql;
};

extern const struct report_file report_files[];
