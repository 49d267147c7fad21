/** The completion script for Fish: it asks `palyra __complete` and shows what it says. */

/** To be evaluated by the shell. */
export const script = `# Completion of palyra for fish: palyra completions fish | source
function __palyra_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l reply ($typed[1] __complete -- $typed[2..-1] $current 2>/dev/null)
    if test "$reply[1]" = ":files"
        __fish_complete_path (string replace -r -- '^--[a-z-]+=' '' $current)
    else
        printf '%s\\n' $reply
    end
end
complete -c palyra -f -a '(__palyra_complete)'
`;
