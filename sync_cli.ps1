# The service in its containers, from any directory: for Windows PowerShell 5.1 and PowerShell 7. Commands and exit codes are
# those of sync_cli.sh: s3-sync's for its commands (docs/cli.md), compose's for the others.
# There is no param() block, so that arguments that look like PowerShell parameters are passed on. (In a session PowerShell parses
# them first: quote a number, `why '00123'`.)

$ErrorActionPreference = 'Stop'

function Show-Usage {
    Write-Output @'
Usage: sync_cli.ps1 COMMAND [ARGUMENT...]

The containers:
  start                starts everything and waits until the service is healthy (builds the images the first time)
  stop                 stops everything; nothing is lost
  restart              stops and starts the service
  logs [SERVICE...]    the containers' logs; on a terminal until Ctrl-C
  shell                a shell in the service's container

In the running service (its exit codes: docs/cli.md):
  status               its state, and which endpoints are reachable
  initial-sync         lists the whole bucket and applies it
  incremental-sync     one cycle
  test                 checks every endpoint, with a hint for each unreachable one
  COMMAND              every other command of s3-sync: reconcile, export, why, dead-letters, ...

  help                 this text
'@
}

function Stop-With([string] $Message) {
    [Console]::Error.WriteLine($Message)
    exit 1
}

# Output of a native program to stderr is not an error (Windows PowerShell makes it one when stderr is redirected).
function Test-Command([string] $Name, [string[]] $Arguments) {
    if (-not (Get-Command $Name -CommandType Application -ErrorAction SilentlyContinue)) { return $false }
    $ErrorActionPreference = 'Continue'
    & $Name @Arguments 2>&1 | Out-Null
    return $LASTEXITCODE -eq 0
}

function Invoke-Compose([string[]] $Arguments) {
    $ErrorActionPreference = 'Continue'
    if ($script:Plugin) { & docker compose @Arguments } else { & docker-compose @Arguments }
}

function Get-Container {
    $ErrorActionPreference = 'Continue'
    $ids = @(Invoke-Compose @('ps', '-q', 'sync-service'))
    if ($ids.Count -gt 0) { return [string] $ids[0] }
    return ''
}

function Assert-Service {
    $ErrorActionPreference = 'Continue'
    $id = Get-Container
    if (-not $id) { Stop-With 'the service is not running: ".\sync_cli.ps1 start" starts it' }
    $state = & docker inspect --format '{{.State.Status}}' $id
    if ($state -eq 'restarting') { Stop-With 'the service keeps restarting: ".\sync_cli.ps1 logs sync-service" shows why' }
    if ($state -ne 'running') { Stop-With "the service is not running ($state): `".\sync_cli.ps1 start`" starts it" }
    return $id
}

function Wait-Healthy {
    $ErrorActionPreference = 'Continue'
    $id = Assert-Service
    $health = 'none'
    $began = & docker inspect --format '{{.RestartCount}}' $id
    for ($seconds = 0; $seconds -lt 180; $seconds++) {
        $health = & docker inspect --format '{{.State.Health.Status}}' $id
        if ($health -eq 'healthy') {
            Write-Output 'the service is healthy'
            exit 0
        }
        $now = & docker inspect --format '{{.State.Status}} {{.RestartCount}}' $id
        if ($now -ne "running $began") {
            & docker logs --tail 20 $id
            Stop-With 'the service ends and is started again; above is the end of its log'
        }
        Start-Sleep -Seconds 1
    }
    & docker logs --tail 20 $id
    Stop-With "the service is not healthy yet ($health); the end of its log is above"
}

# Within a pipe of a session this is the only sign of it. (A script cannot detect `$x = ...` and `... > file`.)
$piped = [Console]::IsOutputRedirected -or $MyInvocation.PipelineLength -gt 1

$command = 'help'
$rest = @()
if ($args.Count -gt 0) { $command = [string] $args[0] }
if ($args.Count -gt 1) { $rest = [string[]] $args[1..($args.Count - 1)] }
if (@('help', '-h', '--help') -contains $command) {
    Show-Usage
    exit 0
}

if (-not (Get-Command docker -CommandType Application -ErrorAction SilentlyContinue)) {
    Stop-With 'there is no Docker here: install Docker Desktop (or Docker Engine with Compose) and run this again'
}
if (-not (Test-Command 'docker' @('info'))) { Stop-With 'Docker does not answer: start it and run this again' }
$script:Plugin = Test-Command 'docker' @('compose', 'version')
if (-not $script:Plugin -and -not (Test-Command 'docker-compose' @('version'))) {
    Stop-With 'there is no Compose here: install the Docker Compose plugin (or docker-compose 1.29) and run this again'
}

Push-Location -LiteralPath $PSScriptRoot
$set = @()
try {
    # The images built by scripts/offline-images.sh, if any; the environment and .env take precedence.
    if (Test-Path -LiteralPath '.offline-images.env') {
        $own = @()
        if (Test-Path -LiteralPath '.env') { $own = @(Get-Content -LiteralPath '.env') }
        foreach ($line in Get-Content -LiteralPath '.offline-images.env') {
            $name, $value = $line -split '=', 2
            if ([Environment]::GetEnvironmentVariable($name) -or ($own -match "^$name=.")) { continue }
            [Environment]::SetEnvironmentVariable($name, $value)
            $set += $name
        }
    }
    switch -CaseSensitive ($command) {
        'start' {
            Invoke-Compose (@('up', '-d') + $rest)
            if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
            Wait-Healthy
        }
        'stop' { Invoke-Compose (@('stop') + $rest) }
        'restart' {
            if ($rest.Count -eq 0) { $rest = @('sync-service') }
            Invoke-Compose (@('restart') + $rest)
            if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
            Wait-Healthy
        }
        'logs' {
            $ids = @(Invoke-Compose @('ps', '-a', '-q'))
            if ($ids.Count -eq 0) { Stop-With 'nothing is running: ".\sync_cli.ps1 start" starts it' }
            $follow = '-f'
            if ($piped) { $follow = '--no-color' }
            Invoke-Compose (@('logs', $follow, '--tail=100') + $rest)
        }
        'shell' { Invoke-Compose @('exec', 'sync-service', 'bash') }
        default {
            Assert-Service | Out-Null
            $exec = @('exec')
            if ([Console]::IsInputRedirected -or $piped) { $exec += '-T' }
            Invoke-Compose ($exec + @('sync-service', 's3-sync', $command) + $rest)
        }
    }
    exit $LASTEXITCODE
}
finally {
    # The script may run in an interactive session.
    foreach ($name in $set) { [Environment]::SetEnvironmentVariable($name, [NullString]::Value) }
    Pop-Location
}
