/** The completion script for Zsh: it asks `palyra __complete` and shows what it says. */

/** To be evaluated by the shell. */
export const script = `#compdef palyra
# Completion of palyra for zsh: eval "$(palyra completions zsh)" after compinit, or a file _palyra in $fpath
_palyra() {
  local line value
  local -a lines plain described
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${lines[1]}" == ":files" ]]; then
    compset -P '--*='
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] || continue
    value="\${line%%$'\\t'*}"
    if [[ "$line" == *$'\\t'* ]]; then
      described+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    else
      plain+=("$value")
    fi
  done
  (( \${#described} )) && _describe 'palyra' described
  if (( \${#plain} )); then
    if [[ "\${plain[*]}" == *[:=] && \${#plain} == 1 ]]; then compadd -S '' -- "\${plain[@]}"
    else compadd -- "\${plain[@]}"; fi
  fi
  return 0
}
if [[ "\${funcstack[1]}" == "_palyra" ]]; then _palyra "$@"; else compdef _palyra palyra; fi
`;
