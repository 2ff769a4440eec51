# Completion of `leasehold` for bash: the program itself is asked what could stand here.
_leasehold() {
    local line=${COMP_LINE:0:COMP_POINT} words=() last=-1 dashes=-1 word i
    # bash splits words at `:` and `=` too; what no blank parts is one word, such as `issue:7`.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ $i -eq 0 || -z $line || $line == [[:blank:]]* ]]; then
            last=$((last + 1))
        fi
        line=${line#"${line%%[![:blank:]]*}"}
        word=${COMP_WORDS[i]}
        [[ $i -eq $COMP_CWORD ]] && word=$line
        line=${line#"$word"}
        words[last]+=$word
        [[ $dashes -lt 0 && $word == -- && $i -lt $COMP_CWORD ]] && dashes=$i
    done
    local current=${words[last]}

    # What follows `--` is a command, with the completion that it has.
    if [[ $dashes -ge 0 ]]; then
        if declare -F _comp_command_offset > /dev/null; then
            _comp_command_offset $((dashes + 1))
        elif declare -F _command_offset > /dev/null; then
            _command_offset $((dashes + 1))
        elif [[ ${words[last - 1]} == -- ]]; then
            IFS=$'\n' read -r -d '' -a COMPREPLY < <(compgen -c -- "$current")
        fi
        return
    fi

    IFS=$'\v' read -r -d '' -a COMPREPLY < <(
        _CLAP_IFS=$'\v' _CLAP_COMPLETE_INDEX=$last _CLAP_COMPLETE_COMP_TYPE=$COMP_TYPE \
            _CLAP_COMPLETE_SPACE=false LEASEHOLD_COMPLETE=bash leasehold -- "${words[@]}" 2> /dev/null
    )
    # bash puts an answer in the place of what is behind the last `:` or `=` alone.
    local breaks=${COMP_WORDBREAKS//[^:=]/}
    if [[ -n $breaks && $current == *["$breaks"]* ]]; then
        local front=${current%"${current##*["$breaks"]}"}
        COMPREPLY=("${COMPREPLY[@]#"$front"}")
    fi
}
complete -o bashdefault -F _leasehold leasehold
