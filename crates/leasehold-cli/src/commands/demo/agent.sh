# An agent: pulls, builds, changes something and pushes, again and again, in the clone that all share.
# $1: how many times; $2: leasehold, or nothing, to do without.
cd clone || exit 1

# step WHAT LEASES: one step of the work, under leases.
step() {
    if [ -n "$leasehold" ]; then
        # shellcheck disable=SC2086 # Several names.
        "$leasehold" guard $2 --wait --ttl 30s -- sh ../step.sh "$1" "$change"
    else
        sh ../step.sh "$1" "$change"
    fi || echo "failed $1"
}

leasehold=$2
cycle=1
while [ "$cycle" -le "$1" ]; do
    change=$LEASEHOLD_OWNER-change-$cycle
    step pull "build git-push"
    step build build
    step change "build git-push"
    step push git-push
    echo "done $change"
    cycle=$((cycle + 1))
done
