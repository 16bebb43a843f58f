# What jq.sh asks of its document.
def total: map(.price * .pieces) | add // 0;

[.orders[] | . + {total: (.items | total), day: (.time | split("T")[0])}]
| {
    days: (group_by(.day) | map({key: .[0].day, value: (map(.total) | add)}) | from_entries),
    best: (sort_by(-.total) | .[:50] | map({id, who: .customer.name, total})),
    tags: ([.[].items[].tags[]] | group_by(.) | map({tag: .[0], count: length})),
    mails: [.[] | .customer.mail | select(test("^[a-m].*@example"; "i")) | ascii_upcase],
    orders: map(del(.customer.notes) | .items |= map(select(.pieces > 2)))
  }
