# Compiles the parts in the order of the list into one program. A part that is listed and not there, or
# there and not listed, is an error, as is a source that changes meanwhile.
set -e
mkdir -p out
: > out/program.new
while read -r part; do
    [ -f "parts/$part" ] || { echo "error: build: $part is listed and not there" >&2; exit 1; }
    tr a-z A-Z < "parts/$part" >> out/program.new
done < list
for file in parts/*; do
    grep -qxF "${file#parts/}" list || { echo "error: build: $file is not listed" >&2; exit 1; }
done
mv out/program.new out/program
