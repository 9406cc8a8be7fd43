# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for doorward(1). Names of rules are asked of the running daemon, those of lists of the
# command.

# The socket given so far, as an option. Bash splits words at "=".
_doorward_socket() {
    local i value
    for ((i = 1; i < cword; i++)); do
        [[ ${words[i]} == --socket ]] || continue
        value=${words[i + 1]}
        [[ $value == '=' ]] && value=${words[i + 2]}
        printf '%s\n' "--socket=$value"
    done
}

_doorward_rule_names() {
    local socket
    socket=$(_doorward_socket)
    "${words[0]}" ${socket:+"$socket"} rules list --names 2>/dev/null
}

_doorward_list_names() {
    "${words[0]}" --color never lists 2>/dev/null | sed -n '2,$s/ .*//p'
}

_doorward_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Programs: names in PATH, or files once a slash was typed.
_doorward_programs() {
    if [[ $cur == */* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
    fi
}

# The value of the option `$1`; fails if it takes none, or if its values can't be known.
_doorward_value() {
    case ${1/#--not-/--} in
        --socket | --database | --rules-dir | --script | --config | --folder | --program | --output | -o)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        --color | --colour) _doorward_words 'auto always never' ;;
        --protocol) _doorward_words 'tcp udp icmp icmpv6 sctp udplite' ;;
        --action | --verdict) _doorward_words 'accept drop reject' ;;
        --direction) _doorward_words 'out in forward' ;;
        --format)
            if [[ $command == export ]]; then
                _doorward_words 'yaml json'
            else
                _doorward_words 'auto hosts domains adblock dnsmasq addresses'
            fi
            ;;
        --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
        --group) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
        --app | --parent) _doorward_programs ;;
        --rule) _doorward_words "$(_doorward_rule_names)" ;;
        --unknown)
            _doorward_words 'no-binding no-listener kernel process-lost path-unreadable bad-packet ambiguous forwarded'
            ;;
        --to | --from) _doorward_words 'loopback multicast private lan dns self' ;;
        --port | --domain | --interface | --profile | --when | --tag | --package | --verity | --sha256 | --name | --for | --confirm | --until-exit | --comment | --head | --since | --until | --limit | --pid | --unit | --slice | --container)
            ;;
        *) return 1 ;;
    esac
}

_doorward_options() {
    local global='--socket --color --help --version'
    local condition rule='--in --out --for --until-restart --until-exit --tag --comment --journal --each --last --json --not-app'
    for condition in user group unit slice container parent script injected package verity sha256 protocol to \
        from port domain interface profile when; do
        rule+=" --$condition --not-$condition"
    done
    case $1 in
        flows | kill)
            [ "$1" = kill ] || global+=' --follow'
            echo "$global --app --verdict --denied --since --until --to --from --port --user" \
                '--rule --unit --container --script --injected --pid --json'
            ;;
        status | hash) echo "$global --json" ;;
        mode) echo "$global" ;;
        apply) echo "$global --confirm --confirmed --revert --json" ;;
        allow) echo "$global --name $rule" ;;
        deny) echo "$global --name --reject --drop $rule" ;;
        explain)
            echo "$global --app --unknown --to --from --domain --port --protocol --user --group --unit --slice --container --parent --script --injected --interface --direction" \
                '--rules-dir --json --event --database --pid'
            ;;
        log)
            echo "$global --app --verdict --denied --since --until --to --from --port --user" \
                '--rule --unit --container --script --injected --pid --limit --follow --json --no-header --wide --database'
            ;;
        'log verify') echo "$global --database --head --json" ;;
        replay)
            echo "$global --database --app --verdict --denied --since --until --to --from --port --user" \
                '--rule --unit --container --script --injected --pid --default-out --default-in --default-forward --limit --json'
            ;;
        suggest)
            echo "$global --database --app --verdict --denied --since --until --to --from --port --user" \
                '--rule --unit --container --script --injected --pid --review --json'
            ;;
        'rules list') echo "$global --names --tag --json" ;;
        'rules add') echo "$global --name --action --app $rule" ;;
        'rules check' | 'rules schema') echo "$global" ;;
        'rules fmt') echo "$global --check --diff" ;;
        'rules '*) echo "$global --json" ;;
        lists) echo "$global --config --folder --json" ;;
        'lists update') echo "$global --program --user" ;;
        'lists check') echo "$global --format --json" ;;
        'import opensnitch') echo "$global --output --json --any-case --as-meant" ;;
        export) echo "$global --format" ;;
        'import ufw') echo "$global --output --json" ;;
        *) echo "$global" ;;
    esac
}

_doorward_arguments() {
    case $1 in
        '') _doorward_words 'status rules allow deny apply log replay suggest flows kill mode explain hash lists import export' ;;
        rules) _doorward_words 'list show add remove enable disable undo check fmt schema reload' ;;
        'rules show' | 'rules remove' | 'rules enable' | 'rules disable')
            _doorward_words "$(_doorward_rule_names)"
            ;;
        lists) _doorward_words 'update check' ;;
        log) _doorward_words 'verify' ;;
        import) _doorward_words 'opensnitch ufw' ;;
        'lists update') _doorward_words "$(_doorward_list_names)" ;;
        'rules check' | 'rules fmt' | 'lists check' | apply | 'import '*)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        replay)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            ;;
        mode) _doorward_words 'observe enforce' ;;
        allow | deny | hash) _doorward_programs ;;
    esac
}

_doorward() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local -a words=("${COMP_WORDS[@]}")
    local cword=$COMP_CWORD command='' i
    COMPREPLY=()
    # "--app=cu" comes as "--app" "=" "cu".
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $prev == '=' ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --socket | --color | --colour) ((i++)) ;;
            -*) ;;
            status | rules | allow | deny | apply | log | replay | suggest | flows | kill | mode | explain | hash | lists | import | export)
                command=${words[i]}
                [[ $command == @(rules|import) && $((i + 1)) -lt $cword ]] && command+=" ${words[i + 1]}"
                [[ $command == log && $((i + 1)) -lt $cword && ${words[i + 1]} == verify ]] &&
                    command+=' verify'
                [[ $command == lists && $((i + 1)) -lt $cword && ${words[i + 1]} != -* ]] &&
                    command+=" ${words[i + 1]}"
                break
                ;;
        esac
    done
    _doorward_value "$prev" && return
    if [[ $cur == -* ]]; then
        _doorward_words "$(_doorward_options "$command")"
    else
        _doorward_arguments "$command"
    fi
}

complete -F _doorward doorward
