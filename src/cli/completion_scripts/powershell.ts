/** The completion script for PowerShell: it asks `palyra __complete` and shows what it says. */

/** To be evaluated by the shell. */
export const script =
  `# Completion of palyra for PowerShell: palyra completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName palyra -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $typed = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -le $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $program = $typed[0]
    $typed = @($typed | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $typed += '""' -replace '"', '' }
    $reply = & $program __complete '--' @typed 2>$null
    if ($reply -contains ':files') { return }
    foreach ($line in $reply) {
        $value, $meaning = $line -split "\`t", 2
        if (-not $meaning) { $meaning = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
    }
}
`;
