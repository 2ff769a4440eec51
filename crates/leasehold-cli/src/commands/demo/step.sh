# One step of an agent. $1: which; $2: the change that it is about. Each is right as long as nobody else
# is at work in the same clone.
set -e
case $1 in
pull)
    git pull --quiet --rebase origin main ;;
build)
    sh build.sh ;;
change)
    # A new part, and the list of parts written anew.
    list=$(cat list)
    echo "looked $LEASEHOLD_OWNER"
    read -r _ || :    # Where the first changes without leases wait for each other.
    echo "part $2" > "parts/$2"
    printf '%s\n%s\n' "$list" "$2" > list
    git add list "parts/$2"
    git commit --quiet --message "$2" ;;
push)
    git push --quiet origin main ;;
esac
