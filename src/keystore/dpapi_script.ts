/** The PowerShell script that seals and opens with the Windows Data Protection API. */

/**
 * It reads three lines: `protect` or `unprotect`, the entropy and the data, both base64; and writes
 * the result between two marks, so that what a profile or a stub prints is never taken for one.
 * Statuses: 41 a restricted language mode, 42 a wrong first line, 43 DPAPI refuses, 44 anything else.
 *
 * What is in a script's text is logged by Windows, so no value ever is. Without a double quote and
 * in ASCII it survives every command line; without a cmdlet on its usual way it loads no module; the
 * variable that PowerShell keeps for its input would make the host swallow it. The tests pin the
 * script by its hash and read it with a grammar of PowerShell.
 */
export const DPAPI_SCRIPT = `$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try {
  if ([string]$ExecutionContext.SessionState.LanguageMode -cne 'FullLanguage') { exit 41 }
  $assembly = 'System.Security, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b03f5f7f11d50a3a'
  try { [void][Reflection.Assembly]::Load($assembly) } catch { Add-Type -AssemblyName System.Security }
  $reader = [IO.StreamReader]::new([Console]::OpenStandardInput(), [Text.Encoding]::ASCII)
  $operation = $reader.ReadLine()
  $entropy = [Convert]::FromBase64String($reader.ReadLine())
  $data = [Convert]::FromBase64String($reader.ReadToEnd().Trim())
  $scope = [Security.Cryptography.DataProtectionScope]::CurrentUser
  if ($operation -ceq 'protect') {
    $result = [Security.Cryptography.ProtectedData]::Protect($data, $entropy, $scope)
  } elseif ($operation -ceq 'unprotect') {
    $result = [Security.Cryptography.ProtectedData]::Unprotect($data, $entropy, $scope)
  } else { exit 42 }
  [Console]::Out.Write('PALYRA1:' + [Convert]::ToBase64String($result) + ':END')
  [Console]::Out.Flush()
  exit 0
} catch [Security.Cryptography.CryptographicException] {
  [Console]::Error.Write('PALYRAERR:crypto:0x' + ('{0:X8}' -f $_.Exception.HResult))
  exit 43
} catch {
  [Console]::Error.Write('PALYRAERR:other:' + $_.Exception.GetType().FullName)
  exit 44
}
`;
