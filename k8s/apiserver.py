"""A Kubernetes API server for server-side dry runs: etcd and kube-apiserver, on loopback, without a node."""

import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from k8s.programs import Missing, environment, find

READY_SECONDS = 60
ESTABLISHED = ("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
"""Fails at once where a definition has no condition yet: to be repeated."""


@contextmanager
def api_server() -> Iterator[Path]:
    """Its kubeconfig, with every right. Nothing of it is left afterwards. Raises `Missing`."""
    etcd, server = find("etcd"), find("kube-apiserver")
    find("kubectl")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waybill-apiserver-")))
        etcd_url, peer_url = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
        port, token = _free_port(), secrets.token_hex(16)
        stack.enter_context(_process(_etcd_command(etcd, folder, etcd_url, peer_url), folder / "etcd.log"))
        command = _server_command(server, folder, etcd_url, port, token)
        process = stack.enter_context(_process(command, folder / "apiserver.log"))
        config = _kubeconfig(folder, port, token)
        _wait_until_ready(process, config, folder / "apiserver.log")
        yield config


def kubectl(config: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs kubectl; the caller looks at the return code."""
    return subprocess.run(
        [find("kubectl"), f"--kubeconfig={config}", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def install_definitions(config: Path, folders: list[Path]) -> None:
    """Installs custom resource definitions and waits until they are served."""
    files = [f"--filename={folder}" for folder in folders]
    done = kubectl(config, "apply", "--server-side", *files)
    deadline = time.monotonic() + READY_SECONDS
    while done.returncode == 0 and time.monotonic() < deadline:
        if kubectl(config, *ESTABLISHED).returncode == 0:
            return
    raise RuntimeError(f"The definitions could not be installed: {done.stderr}")


def _etcd_command(etcd: Path, folder: Path, url: str, peer_url: str) -> list[str]:
    return [
        str(etcd),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
    ]


def _server_command(server: Path, folder: Path, etcd_url: str, port: int, token: str) -> list[str]:
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    key = folder / "service-account.key"
    try:
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], capture_output=True, check=True)
    except FileNotFoundError:
        raise Missing("no openssl, which makes the API server's signing key") from None
    return [
        str(server),
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=192.0.2.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.97.0.0/16",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--disable-admission-plugins=ServiceAccount",
    ]


def _kubeconfig(folder: Path, port: int, token: str) -> Path:
    config = folder / "kubeconfig"
    config.write_text(
        f"""\
apiVersion: v1
kind: Config
clusters:
  - {{name: test, cluster: {{server: "https://127.0.0.1:{port}", insecure-skip-tls-verify: true}}}}
users:
  - {{name: admin, user: {{token: {token}}}}}
contexts:
  - {{name: test, context: {{cluster: test, user: admin}}}}
current-context: test
"""
    )
    config.chmod(0o600)
    return config


def _wait_until_ready(process: subprocess.Popen[bytes], config: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while kubectl(config, "get", "--raw", "/readyz").returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"kube-apiserver is not ready:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
