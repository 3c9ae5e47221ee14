"""Jenkins: a declarative pipeline, and the step that its stages call.

Syntax: https://www.jenkins.io/doc/book/pipeline/syntax/
The step stands where a shared library has its steps, so other repositories can call `keelway` by
that library; this pipeline loads it from the repository itself, and needs no library.
Secrets are credentials of Jenkins of the kind "secret text", by the name of the variable. Where
there are base images to be made weekly, the plug-in Parameterized Scheduler is needed.
"""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from keelway.ci_templates import shell
from keelway.ci_templates.description import DIGEST_FILE, PROOFS_FOLDER
from keelway.ci_templates.shell import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.ci_templates.description import Pipeline

PIPELINE = "Jenkinsfile"
STEP = "vars/keelway.groovy"
TOKEN = "SIGSTORE_ID_TOKEN"  # noqa: S105 -- a variable's name


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    return {PIPELINE: _jenkinsfile(pipeline), STEP: _step(pipeline)}


def _jenkinsfile(pipeline: Pipeline) -> str:
    minutes = pipeline.timeout_minutes
    return _PIPELINE.format(
        proofs="// Platform -> digest of its proof.\ndef proofs = [:]\n\n" * pipeline.assembled,
        triggers=_triggers(pipeline),
        minutes=minutes,
        stages=indent("".join(_stages(pipeline)), "    "),
    )


def _triggers(pipeline: Pipeline) -> str:
    nightly = [pipeline.nightly] if pipeline.nightly else []
    if pipeline.weekly is None:
        return _CRON.format(kind="cron", lines="\\n".join((_ZONE, *nightly))) if nightly else ""
    lines = "\\n".join((_ZONE, *nightly, f"{pipeline.weekly} %TASK=bases"))
    return f"{_PARAMETERS}{_CRON.format(kind='parameterizedCron', lines=lines)}"


def _stages(pipeline: Pipeline) -> list[str]:
    natives = _proofs(pipeline) or [
        _stage(f"{title} ({platform})", words, label=runner)
        for title, platform, words in pipeline.native_commands
        if (runner := pipeline.runners.get(platform)) is not None
    ]
    stages = [
        _VERIFY.format(body=_body("release --no-publish", pipeline.secrets.build, forks=True))
    ]
    if natives:
        inside = indent("".join(natives), "    ")
        stages.append(_NATIVE.format(when=_released(pipeline), stages=inside))
    credentials = [*pipeline.secrets.all, *([TOKEN] if pipeline.keyless else [])]
    body = _body(_release(pipeline), tuple(credentials))
    if pipeline.assembled:
        body += f", stashes: {_listed(one.key for one in pipeline.proofs)}"
    stages.append(_RELEASE.format(when=_released(pipeline), body=body))
    if pipeline.weekly is not None:
        body = _body("base --refresh", pipeline.secrets.deliver)
        stages.append(_BASES.format(body=body, lock=pipeline.inside("keelway.lock")))
    return stages


def _stage(name: str, words: str, *, label: str) -> str:
    return _ON_AGENT.format(name=name, label=label, words=words)


def _proofs(pipeline: Pipeline) -> list[str]:
    """Return a stage for each platform, which leaves its report and tells the proof's digest."""
    return [
        _PROVE.format(
            platform=one.platform,
            # By emulation where no machine is named.
            label=pipeline.runners.get(one.platform, "linux"),
            body=_body(one.words, pipeline.secrets.build) + f", stash: '{one.key}'",
        )
        for one in pipeline.proofs
    ]


def _release(pipeline: Pipeline) -> str:
    if not pipeline.assembled:
        return "release"
    named = " ".join(f"--proof ${{proofs['{one.platform}']}}" for one in pipeline.proofs)
    return f"assemble {PROOFS_FOLDER} {named}"


def _listed(names: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def _body(words: str, credentials: tuple[str, ...], *, forks: bool = False) -> str:
    """Return the arguments of the step; a fork's pull request is given no credential."""
    quote = '"' if "$" in words else "'"
    command = f"command: {quote}{words}{quote}"
    if not credentials:
        return command
    named = _listed(credentials)
    given = f"env.CHANGE_FORK ? [] : {named}" if forks else named
    return f"{command}, credentials: {given}"


def _released(pipeline: Pipeline) -> str:
    branches = [f"branch '{name}'" for name in pipeline.branches]
    tags = [f"tag '{pattern}'" for pattern in pipeline.tags]
    either = f"anyOf {{ {'; '.join((*branches, *tags))} }}"
    return f"{either}\n    {_NOT_BASES}" if pipeline.weekly else either


def _step(pipeline: Pipeline) -> str:
    command = pipeline.command("$KEELWAY_COMMAND")
    return _STEP.format(
        setup=_in_quotes(shell.setup(pipeline, Machine.OWN), "      "),
        work=_in_quotes(shell.work(pipeline, Machine.OWN, command), "          "),
        report=pipeline.report,
        told=_STASHED_TOLD * pipeline.assembled,
        brought=_BROUGHT.format(folder=PROOFS_FOLDER) * pipeline.assembled,
        stashed=_STASHED.format(report=pipeline.report, digest=DIGEST_FILE) * pipeline.assembled,
    )


def _in_quotes(script: str, before: str) -> str:
    """Return a script as it stands between three single quotes of Groovy's."""
    return indent(script.replace("\\", "\\\\"), before).rstrip()


_ZONE = "TZ=Etc/UTC"
_NOT_BASES = "expression { params.TASK != 'bases' }"
_CRON = """\
  // Only the default branch is built by the clock.
  triggers {{ {kind}(env.BRANCH_IS_PRIMARY == 'true' ? '{lines}' : '') }}
"""
_PARAMETERS = """\
  parameters {
    choice(name: 'TASK', choices: ['release', 'bases'], description: 'What is done.')
  }
"""
_PIPELINE = """\
{proofs}pipeline {{
  agent none
  options {{
    buildDiscarder(logRotator(numToKeepStr: '50'))
    disableConcurrentBuilds()
    timeout(time: {minutes}, unit: 'MINUTES')
  }}
{triggers}  stages {{
{stages}  }}
}}
"""
_VERIFY = """\
// Pull requests: nothing is published, and no secret of publishing is there.
stage('verify') {{
  when {{
    beforeAgent true
    changeRequest()
  }}
  agent {{ label 'linux' }}
  steps {{
    script {{ load('vars/keelway.groovy').call({body}) }}
  }}
}}
"""
_NATIVE = """\
// Each target for each platform, on a machine of that platform.
stage('native') {{
  when {{
    beforeAgent true
    {when}
  }}
  parallel {{
{stages}  }}
}}
"""
_ON_AGENT = """\
stage('{name}') {{
  agent {{ label '{label}' }}
  steps {{
    script {{ load('vars/keelway.groovy').call(command: '{words}') }}
  }}
}}
"""
_PROVE = """\
stage('prove ({platform})') {{
  agent {{ label '{label}' }}
  steps {{
    script {{
      proofs['{platform}'] = load('vars/keelway.groovy').call({body})
    }}
  }}
}}
"""
_RELEASE = """\
stage('release') {{
  when {{
    beforeAgent true
    {when}
  }}
  agent {{ label 'linux' }}
  steps {{
    script {{ load('vars/keelway.groovy').call({body}) }}
  }}
}}
"""
_BASES = """\
// Newer packages in the base images; the changed lock file is kept, for a commit.
stage('bases') {{
  when {{
    beforeAgent true
    expression {{ params.TASK == 'bases' }}
  }}
  agent {{ label 'linux' }}
  steps {{
    script {{ load('vars/keelway.groovy').call({body}) }}
    archiveArtifacts artifacts: '{lock}'
  }}
}}
"""
_STEP = """\
/**
 * Runs one command of keelway's on this agent and keeps its reports.
 *
 *   keelway(command: 'release', credentials: ['REGISTRY_TOKEN'])
 *
 * command      words for keelway
 * credentials  ids of credentials (secret text); each is the variable of its own name
 * sarif        true where the plug-in Warnings (warnings-ng) shows findings
{told} */
def call(Map settings) {{
  def secrets = (settings.credentials ?: []).collect {{ string(credentialsId: it, variable: it) }}
{brought}  withEnv(["KEELWAY_COMMAND=${{settings.command}}"]) {{
    sh '''
{setup}
    '''
    try {{
      withCredentials(secrets) {{
        sh '''
{work}
        '''
      }}
    }} finally {{
      archiveArtifacts(artifacts: '{report}/**', allowEmptyArchive: true)
      junit(testResults: '{report}/*.junit.xml', allowEmptyResults: true)
      if (settings.sarif) {{
        recordIssues tools: [sarif(pattern: '{report}/scan/*.sarif')]
      }}
    }}
{stashed}  }}
}}

return this
"""
_STASHED_TOLD = """\
 * stash        what the report is kept as for stages on other agents; gives the proof's digest
 * stashes      reports of other stages that are brought first
"""
_BROUGHT = """\
  (settings.stashes ?: []).each {{ name -> dir("{folder}/${{name}}") {{ unstash name }} }}
"""
_STASHED = """\
    if (settings.stash) {{
      stash(name: settings.stash, includes: '{report}/**')
      return readFile('{report}/{digest}').trim()
    }}
"""
