# Called by profile.sh: first the lines "symbol room", then the samples of perf script, each a head "comm tid", its call
# chain from the inside out as "address symbol (file)", and an empty line. A sample counts for its innermost function,
# and one in the kernel for its system call as well.

FNR == NR {
    if (!(($1, $2) in known)) {
        known[$1, $2] = 1
        if ($1 in room)
            room[$1] = room[$1] "|" $2
        else
            room[$1] = $2
    }
    next
}

NF == 0 { take(); next }

/^[^ \t]/ {
    thread = $NF
    comm[thread] = $1
    depth = 0
    call = ""
    next
}

{
    symbol = $2
    sub(/\+0x[0-9a-f]+$/, "", symbol)
    if (++depth == 1) {
        leaf = symbol
        in_kernel = $NF ~ /kernel|\[/
    }
    if (call == "" && (symbol == "do_syscall_64" || symbol == "x64_sys_call")) {
        call = depth == 1 ? "(entering and leaving)" : outer
        sub(/^(__x64_sys_|__do_sys_|ksys_|do_)/, "", call)
    }
    outer = symbol
    if (symbol == "committer_main")
        role[thread] = "committer"
    if (symbol ~ /^(loop_run|take_turn|run_loop)$/ && !(thread in role))
        role[thread] = "loop"
}

function take(    where) {
    if (depth == 0)
        return
    samples++
    by_thread[thread]++
    if (in_kernel) {
        where = "kernel"
        by_call[call == "" ? "(interrupts and faults)" : call]++
        call_thread[call == "" ? "(interrupts and faults)" : call, thread]++
    } else {
        where = (leaf in room) ? room[leaf] : "libc and others"
    }
    by_room[where]++
    room_thread[where, thread]++
    by_function[where "\t" leaf]++
    depth = 0
}

function us(count) { return count / hertz * 1e6 / (requests) }

function print_line(count, name, more) {
    printf "%7.2f us %5.1f %%  %s%s\n", us(count), count / samples * 100, name, more
}

function print_sorted(title, counts, limit, split_by,    key, n, i, j, keys, t, threads, more, th) {
    printf "\n%s\n", title
    n = 0
    for (key in counts)
        keys[++n] = key
    for (i = 1; i <= n && i <= limit; i++) {
        for (j = i + 1; j <= n; j++)
            if (counts[keys[j]] > counts[keys[i]]) {
                t = keys[i]
                keys[i] = keys[j]
                keys[j] = t
            }
        more = ""
        if (split_by != "") {
            threads = 0
            for (th in by_thread)
                if (role[th] == "committer")
                    threads += split_by == "room" ? room_thread[keys[i], th] : call_thread[keys[i], th]
            if (threads > 0)
                more = sprintf("  (committer %.2f us)", us(threads))
        }
        t = keys[i]
        sub(/\t/, ": ", t)
        print_line(counts[keys[i]], t, more)
    }
}

END {
    take()
    split(result, figures, " ")
    requests = figures[1]
    printf "%d requests/s, p50 %.2f ms, p99 %.2f ms; %.2f us of processor time a request\n", \
        requests / figures[2] * 1e6, figures[3] / 1000, figures[4] / 1000, us(samples)
    printf "\nthreads\n"
    for (thread in by_thread)
        print_line(by_thread[thread], comm[thread] " " thread " " role[thread], "")
    print_sorted("rooms", by_room, 30, "room")
    print_sorted("system calls", by_call, 12, "call")
    print_sorted("functions", by_function, lines, "")
}
