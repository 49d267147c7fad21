/** The completion script for Bash: it asks `palyra __complete` and shows what it says. */

/** To be evaluated by the shell. */
export const script =
  `# Completion of palyra for bash 3.2 and later: eval "$(palyra completions bash)"
_palyra() {
  local line="\${COMP_LINE:0:COMP_POINT}" current words reply one glob
  glob="$-"
  set -f # the words are split here, because bash splits them at : and = as well
  words=($line)
  [[ "$glob" == *f* ]] || set +f
  if [[ "$line" == *[[:space:]] ]]; then words+=(""); fi
  current="\${words[\${#words[@]}-1]}"
  COMPREPLY=()
  reply="$("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)" || return
  if [[ "$reply" == ":files" ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r one; do COMPREPLY+=("$one"); done < <(compgen -f -- "\${current#--*=}")
    return
  fi
  # What bash itself takes for a word of its own stays out of the answer.
  local before=""
  if [[ "$current" == *[:=]* ]]; then before="\${current%"\${current##*[:=]}"}"; fi
  while IFS= read -r one; do
    one="\${one%%$'\\t'*}"
    [[ -n "$one" ]] || continue
    one="\${one#"$before"}"
    COMPREPLY+=("$one")
  done <<< "$reply"
  if [[ "\${#COMPREPLY[@]}" == 1 && "\${COMPREPLY[0]}" == *[:=] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _palyra palyra
`;
