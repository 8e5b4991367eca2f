#pragma once
/* SQL functions of the house, for days and weeks as people count them: function_specs lists them. Main thread. */
struct sqlite3;

void functions_register(struct sqlite3 *connection);

/* ---- for help ---- */

struct function_spec {
    const char *name, *arguments, *help;
};

/* The last one has no name. */
extern const struct function_spec function_specs[];
