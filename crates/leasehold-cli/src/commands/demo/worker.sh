# A worker: takes turn after turn, until nothing is left to do. $@ is a turn:
#     leasehold guard demo:hexwall --wait -- leasehold demo brick
# and without leases only what stands behind the `--`.
killed=0
while :; do
    "$@"
    code=$?
    case $code in
    0) ;;                   # A brick is laid.
    3) exit 0 ;;            # No place or no brick is left.
    126 | 127) exit 1 ;;
    2) ;;                   # Waited for too long: once more.
    ???)                    # Killed: the next turn does its work.
        echo again
        killed=$((killed + 1))
        if [ $killed -ge 100 ]; then exit 1; fi ;;
    *) exit 1 ;;
    esac
done
