# A worker: takes turn after turn, until nothing is left to do. $@ is a turn:
#     leasehold guard demo:hexwall --wait -- leasehold demo brick
# and without leases only what stands behind the `--`.
while :; do
    "$@"
    code=$?
    if [ $code -eq 3 ]; then exit 0; fi           # No place or no brick is left.
    if [ $code -gt 128 ]; then echo again; fi     # The turn was killed: the next one is for it.
    if [ $code -ne 0 ] && [ $code -ne 2 ] && [ $code -le 128 ]; then exit 1; fi
done
