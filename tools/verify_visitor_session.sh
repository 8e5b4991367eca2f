#!/usr/bin/env bash
# The five promises that a visitor session keeps, asked of a running server and asserted one by one.
#
#   HELVINO_TOKEN=hvt_… tools/verify_visitor_session.sh http://localhost:4000
#
# HELVINO_ORG_KEY  the organisation's public key (default: demo)
# HELVINO_TOKEN    a token of that organisation; without it nobody may look at visitors
#
# It uses fresh random visitor keys, so it may be run against a server that has data, as often as you like; each run leaves two
# visitors and four conversations there. It ends at the first broken promise with a sentence on standard error and exit code 1; 2
# means that it could not even begin, and then it has left nothing.
set -euo pipefail
export LC_ALL=C

unable() {
    printf '%s\n' "$*" >&2
    exit 2
}

[ $# -eq 1 ] || unable "usage: HELVINO_TOKEN=... $0 BASE_URL      for example: $0 http://localhost:4000"
case $1 in
    http://?* | https://?*) base=${1%/} ;;
    *) unable "BASE_URL must begin with http:// or https://, not: $1" ;;
esac
org=${HELVINO_ORG_KEY:-demo}
token=${HELVINO_TOKEN:-}
[ -n "$token" ] || unable "HELVINO_TOKEN must hold a token of the organisation \"$org\" (helvino org token create $org --data DIR)."
for tool in curl jq od tr; do
    command -v "$tool" >/dev/null || unable "$0 needs $tool."
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ -t 1 ]; then
    green=$'\e[32m' red=$'\e[31m' bold=$'\e[1m' plain=$'\e[0m'
else
    green='' red='' bold='' plain=''
fi

broken() {
    printf '  %s✗ %s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}

kept() {
    printf '  %s✓%s %s\n' "$green" "$plain" "$*"
}

check=0
promise() {
    check=$((check + 1))
    printf '\n%s%d. %s%s\n' "$bold" "$check" "$*" "$plain"
}

fresh_visitor_key() {
    printf 'v_verify-%s' "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
}

# The token comes from a file, so that it shows in no list of processes.
printf 'header = "Authorization: Bearer %s"\n' "$token" >"$scratch/token"
chmod 600 "$scratch/token"

# reachable WHAT PATH [curl's arguments]: asks for something that leaves no trace.
reachable() {
    local what=$1 path=$2 got
    shift 2
    got=$(curl --silent --show-error --max-time 30 --output "$scratch/body" --write-out '%{http_code}' "$@" "$base$path") ||
        unable "$what: no answer from $base"
    [ "$got" = 200 ] || unable "$what: GET $path answered $got: $(head -c 300 "$scratch/body")"
}

# ask STATUS METHOD PATH [curl's arguments]: the answer's body goes to $scratch/body; another status is a broken promise.
ask() {
    local wanted=$1 method=$2 path=$3 got
    shift 3
    got=$(curl --silent --show-error --max-time 30 --output "$scratch/body" --write-out '%{http_code}' \
        --request "$method" --header "x-org-key: $org" "$@" "$base$path") ||
        broken "$method $path: no answer from $base"
    [ "$got" = "$wanted" ] || broken "$method $path answered $got in place of $wanted: $(head -c 300 "$scratch/body")"
    jq -e 'type == "object"' "$scratch/body" >/dev/null 2>&1 || broken "$method $path did not answer with a JSON object"
}

as_owner() {
    ask "$@" --config "$scratch/token"
}

# value FILTER: what jq finds in the last answer, on one line ("null" where there is nothing).
value() {
    jq -c -r "$1" "$scratch/body"
}

# equal WHAT EXPECTED SEEN
equal() {
    [ "$2" = "$3" ] || broken "$1 should be $2 and is $3"
}

# create [VISITOR KEY]: makes a conversation; its id is in $conversation.
create() {
    if [ $# -eq 1 ]; then
        ask 201 POST /conversations --header "x-visitor-id: $1"
    else
        ask 201 POST /conversations
    fi
    conversation=$(value .id)
    printf '%s' "$conversation" | grep -Eq '^c[0-9a-z]{24}$' || broken "the id of a new conversation looks wrong: $conversation"
}

# visitor_of CONVERSATION: who owns it, as the organisation sees it; in $visitor_id.
visitor_of() {
    as_owner 200 GET "/conversations/$1"
    equal "the id of the conversation" "$1" "$(value .id)"
    visitor_id=$(value .visitorId)
}

# Times are ISO 8601 in UTC with milliseconds, so that their order is the order of their letters.
later() {
    [[ $1 > $2 ]]
}

first_key=$(fresh_visitor_key)
second_key=$(fresh_visitor_key)

reachable "The server" /health
reachable "HELVINO_TOKEN or HELVINO_ORG_KEY" '/visitors?limit=1' --header "x-org-key: $org" --config "$scratch/token"

printf '%sVisitor sessions of the organisation "%s" at %s%s\n' "$bold" "$org" "$base" "$plain"

promise "A conversation with x-visitor-id makes a visitor"
create "$first_key"
first_conversation=$conversation
kept "the conversation was created"
visitor_of "$first_conversation"
first_visitor=$visitor_id
[ "$first_visitor" != null ] || broken "the conversation has no visitor (visitorId is null)"
kept "it is linked to a visitor"
as_owner 200 GET "/visitors/$first_visitor"
equal "the visitor's id" "$first_visitor" "$(value .id)"
equal "the visitor's key" "$first_key" "$(value .visitorKey)"
equal "the number of the visitor's conversations" 1 "$(value .conversationCount)"
first_seen=$(value .firstSeenAt)
printf '%s' "$first_seen" | grep -Eq '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$' ||
    broken "firstSeenAt is not a time in ISO 8601 with milliseconds and Z: $first_seen"
equal "lastSeenAt of a visitor who came once" "$first_seen" "$(value .lastSeenAt)"
kept "the visitor has this key, one conversation, and was first and last seen at the same moment"

promise "The same x-visitor-id is the same visitor"
create "$first_key"
[ "$conversation" != "$first_conversation" ] || broken "the second conversation has the id of the first"
visitor_of "$conversation"
equal "the visitor of the second conversation" "$first_visitor" "$visitor_id"
kept "the second conversation is linked to the same visitor"
as_owner 200 GET "/visitors/$first_visitor"
equal "the number of the visitor's conversations" 2 "$(value .conversationCount)"
equal "firstSeenAt, which is set once," "$first_seen" "$(value .firstSeenAt)"
last_seen=$(value .lastSeenAt)
later "$last_seen" "$first_seen" || broken "lastSeenAt ($last_seen) should be later than firstSeenAt ($first_seen)"
kept "lastSeenAt moved on, firstSeenAt stayed, two conversations are counted"
ask 200 GET /conversations --header "x-visitor-id: $first_key"
equal "the number of conversations that the visitor sees" 2 "$(value '.conversations | length')"
kept "the visitor sees both conversations"

promise "Another x-visitor-id is another visitor"
create "$second_key"
visitor_of "$conversation"
[ "$visitor_id" != null ] || broken "the conversation of the other visitor has no visitor"
[ "$visitor_id" != "$first_visitor" ] || broken "another key was given the first visitor's id, $first_visitor"
as_owner 200 GET "/visitors/$visitor_id"
equal "the other visitor's key" "$second_key" "$(value .visitorKey)"
equal "the number of the other visitor's conversations" 1 "$(value .conversationCount)"
as_owner 200 GET "/visitors/$first_visitor"
equal "the number of the first visitor's conversations" 2 "$(value .conversationCount)"
kept "a second visitor exists, and the first is as before"
ask 404 GET "/conversations/$first_conversation" --header "x-visitor-id: $second_key"
kept "the second visitor cannot see the first one's conversation"

promise "Without x-visitor-id there is no visitor"
create
visitor_of "$conversation"
equal "visitorId of a conversation without a visitor" null "$visitor_id"
kept "the conversation exists and its visitorId is null"

promise "A message keeps the visitor and moves lastSeenAt"
as_owner 200 GET "/visitors/$first_visitor"
last_seen=$(value .lastSeenAt)
text='Merhaba! “Grüße” 👋'
jq -n --arg content "$text" '{role: "user", $content}' >"$scratch/message"
ask 201 POST "/conversations/$first_conversation/messages" --header "x-visitor-id: $first_key" \
    --header 'content-type: application/json' --data-binary "@$scratch/message"
equal "the conversation of the message" "$first_conversation" "$(value .conversationId)"
equal "the role of the message" user "$(value .role)"
equal "the text of the message" "$text" "$(value .content)"
kept "the message was taken as it is"
as_owner 200 GET "/conversations/$first_conversation"
equal "the number of messages" 1 "$(value .messageCount)"
equal "the text of the stored message" "$text" "$(value '.messages[0].content')"
equal "the visitor of the conversation" "$first_visitor" "$(value .visitorId)"
as_owner 200 GET "/visitors/$first_visitor"
later "$(value .lastSeenAt)" "$last_seen" || broken "lastSeenAt ($(value .lastSeenAt)) should be later than before the message ($last_seen)"
equal "firstSeenAt, which is set once," "$first_seen" "$(value .firstSeenAt)"
equal "the number of the visitor's conversations" 2 "$(value .conversationCount)"
kept "it is stored with the same visitor, who was seen again"

printf '\n%sAll %d promises are kept.%s\n' "$green" "$check" "$plain"
