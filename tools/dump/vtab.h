#pragma once
/* The virtual tables: one module for each table of schema.h, known to the connection under the table's name without any
 * CREATE. The snapshot must outlive the connection. Private to this folder. */
#include <sqlite3.h>

#include "snapshot.h"

/* Aborts when SQLite has no memory for it. */
void vtab_register(sqlite3 *connection, struct snapshot *snapshot);
