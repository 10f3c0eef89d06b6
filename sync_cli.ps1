# The service in its containers, from any directory: for Windows PowerShell 5.1 and PowerShell 7. The words and the exit codes are
# those of sync_cli.sh: of a command, that of s3-sync (docs/cli.md); of the others, that of compose.
# There is no param() block: an argument that looks like a parameter of PowerShell is handed on, too. (In a session PowerShell reads
# them first: quote what looks like a number, `why '00123'`.)

$ErrorActionPreference = 'Stop'

function Show-Usage {
    Write-Output @'
Usage: sync_cli.ps1 COMMAND [ARGUMENT...]

The containers:
  start                starts everything and waits until the service is healthy (builds the images the first time)
  stop                 stops everything; nothing is lost
  restart              stops and starts the service
  logs [SERVICE...]    what the containers say; on a terminal it goes on until Ctrl-C
  shell                a shell in the service's container

In the running service (its exit codes: docs/cli.md):
  status               what it knows, and whether every door opens
  initial-sync         lists the whole bucket and applies it
  incremental-sync     one cycle
  test                 tries every door, and says what to do about each that is shut
  COMMAND              every other command of s3-sync: reconcile, export, why, dead-letters, ...

  help                 this
'@
}

function Stop-With([string] $Message) {
    [Console]::Error.WriteLine($Message)
    exit 1
}

# A native program that writes to stderr is no error (Windows PowerShell makes one of it when stderr is redirected).
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
    if ($state -eq 'restarting') { Stop-With 'the service ends and is started again, over and over: ".\sync_cli.ps1 logs sync-service" says why' }
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
    Stop-With "the service is not healthy yet ($health); above is the end of its log"
}

# Within a pipe of a session nothing else says so. (What `$x = ...` and `... > file` do there, no script can see.)
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
    # The images that scripts/offline-images.sh made, if it did; what the environment says goes first, and what .env says.
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
    # It may run in somebody's session.
    foreach ($name in $set) { [Environment]::SetEnvironmentVariable($name, [NullString]::Value) }
    Pop-Location
}
