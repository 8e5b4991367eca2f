# Called by bench.sh. Reads its rows, one a round, and prints one line for each scenario and number of connections:
# medians over the rounds. `titles` names the scenarios; `markdown` chooses the form; `summary` is a file for what the
# targets are compared with.

BEGIN {
    count = split(titles, lines, "\n")
    for (i = 1; i <= count; i++)
        title[substr(lines[i], 1, 1)] = substr(lines[i], 3)
    split("scenario|connections|requests/s|p50 ms|p99 ms|longest ms|errors|empty/s|empty p99 ms|ratio|CPU us/request" \
        "|empty CPU us|disk bytes/command|commits/s|ms/commit|commands/commit|others %", names, "|")
    columns = 17
}

function add(key, value) { values[group, key, rounds[group]] = value }

{
    group = $1 " " $2
    if (!(group in rounds))
        order[++groups] = group
    rounds[group]++
    seconds = $4 / 1e6
    writes = $13 > $3 / 100
    add("rate", $3 / seconds)
    add("p50", $5 / 1000)
    add("p99", $6 / 1000)
    add("longest", $7 / 1000)
    errors[group] += $8 + $9 + $20 + $21
    add("empty", $15 / ($16 / 1e6))
    add("empty99", $18 / 1000)
    add("ratio", ($3 / seconds) / ($15 / ($16 / 1e6)))
    add("cpu", $10 / hertz * 1e6 / $3)
    add("emptycpu", $22 / hertz * 1e6 / $15)
    add("disk", writes && $11 > 0 ? $11 * 512 / $13 : -1)
    add("commits", $12 / seconds)
    add("wait", $12 > 0 ? $14 / $12 * 1000 : -1)
    if ($23 > others[group])
        others[group] = $23
    add("batch", $12 > 0 ? $13 / $12 : 0)
}

function median(key,    n, i, j, t, v) {
    n = rounds[group]
    for (i = 1; i <= n; i++)
        v[i] = values[group, key, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
            t = v[j]
            v[j] = v[j - 1]
            v[j - 1] = t
        }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function figure(format, value) { return value < 0 ? "-" : sprintf(format, value) }

function print_line(cells,    i, line) {
    for (i = 1; i <= columns; i++)
        if (markdown)
            line = line "| " cells[i] " "
        else
            line = line sprintf(i == 1 ? "%-42s" : "%" (length(names[i]) + 2) "s", cells[i])
    print line (markdown ? "|" : "")
}

END {
    print ""
    print_line(names)
    if (markdown) {
        line = "|---"
        for (i = 2; i <= columns; i++)
            line = line "|---:"
        print line "|"
    }
    for (g = 1; g <= groups; g++) {
        group = order[g]
        split(group, part, " ")
        cell[1] = "(" part[1] ") " title[part[1]]
        cell[2] = part[2]
        cell[3] = figure("%d", median("rate"))
        cell[4] = figure("%.2f", median("p50"))
        cell[5] = figure("%.2f", median("p99"))
        cell[6] = figure("%.1f", median("longest"))
        cell[7] = errors[group]
        cell[8] = figure("%d", median("empty"))
        cell[9] = figure("%.2f", median("empty99"))
        cell[10] = figure("%.3f", median("ratio"))
        cell[11] = figure("%.1f", median("cpu"))
        cell[12] = figure("%.1f", median("emptycpu"))
        cell[13] = figure("%d", median("disk"))
        cell[14] = figure("%d", median("commits"))
        cell[15] = figure("%.2f", median("wait"))
        cell[16] = figure("%.1f", median("batch"))
        cell[17] = sprintf("%.1f", others[group])
        print_line(cell)
        print part[1], part[2], cell[10], cell[5], cell[7] > summary
    }
}
