"""The kubelet's settings as types: KubeletConfiguration of kubelet.config.k8s.io/v1beta1, by its own names.

What each field means is told in the kubelet's reference; null, here as there, is the kubelet's own default. Fields
that follow from the rest of a declaration are not here but in DERIVED. Source: config/v1beta1/types.go of
k8s.io/kubelet, 1.37.
"""

from typing import Annotated, Any, Literal

import msgspec

from orlop.config.schema import Section

Duration = Annotated[str, msgspec.Meta(pattern=r"^(0|([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+)$")]
"""Go's form of a duration, such as 1m30s."""

DERIVED = {
    "apiVersion": "is always kubelet.config.k8s.io/v1beta1",
    "kind": "is always KubeletConfiguration",
    "cgroupDriver": "follows the daemon, which tells it to the kubelet: set daemon.cgroup.driver",
    "containerRuntimeEndpoint": "is the daemon's socket: set daemon.daemon.socket",
    "imageServiceEndpoint": "is the daemon's socket: set daemon.daemon.socket",
    "registerWithTaints": "kubeadm registers the node: set member.taints",
}
"""Fields that a declaration must not set here, and why."""

SINCE = {"memoryReservationPolicy": "1.36", "tlsCurvePreferences": "1.36", "defaultPodSysctls": "1.37"}
"""First minor of fields that not every minor has."""


class X509(Section):
    """Client certificates."""

    clientCAFile: str | None = None


class WebhookAuthentication(Section):
    """Tokens, checked by the API server."""

    enabled: bool | None = None
    cacheTTL: Duration | None = None


class Anonymous(Section):
    """Requests without credentials."""

    enabled: bool | None = None


class Authentication(Section):
    """Who may speak to the kubelet's server."""

    x509: X509 = X509()
    webhook: WebhookAuthentication = WebhookAuthentication()
    anonymous: Anonymous = Anonymous()


class WebhookAuthorization(Section):
    """How long answers of the API server hold."""

    cacheAuthorizedTTL: Duration | None = None
    cacheUnauthorizedTTL: Duration | None = None


class Authorization(Section):
    """What requests may do."""

    mode: Literal["AlwaysAllow", "Webhook"] | None = None
    webhook: WebhookAuthorization = WebhookAuthorization()


class MemorySwap(Section):
    """Swap of pods."""

    swapBehavior: Literal["NoSwap", "LimitedSwap"] | None = None


class CrashLoopBackOff(Section):
    """Pauses between restarts of a container that keeps failing."""

    maxContainerRestartPeriod: Duration | None = None


class UserNamespaces(Section):
    """Pods with a user namespace."""

    idsPerPod: int | None = None


class Kubelet(Section):
    """Settings of the kubelet on this node that differ from its defaults, by the names of KubeletConfiguration."""

    enableServer: bool | None = None
    staticPodPath: str | None = None
    podLogsDir: str | None = None
    syncFrequency: Duration | None = None
    fileCheckFrequency: Duration | None = None
    httpCheckFrequency: Duration | None = None
    staticPodURL: str | None = None
    staticPodURLHeader: dict[str, tuple[str, ...]] | None = None
    address: str | None = None
    port: int | None = None
    readOnlyPort: int | None = None
    tlsCertFile: str | None = None
    tlsPrivateKeyFile: str | None = None
    tlsCipherSuites: tuple[str, ...] | None = None
    tlsCurvePreferences: tuple[int, ...] | None = None
    tlsMinVersion: str | None = None
    rotateCertificates: bool | None = None
    serverTLSBootstrap: bool | None = None
    authentication: Authentication = Authentication()
    authorization: Authorization = Authorization()
    registryPullQPS: int | None = None
    registryBurst: int | None = None
    imagePullCredentialsVerificationPolicy: (
        Literal["NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"] | None
    ) = None
    preloadedImagesVerificationAllowlist: tuple[str, ...] | None = None
    eventRecordQPS: int | None = None
    eventBurst: int | None = None
    enableDebuggingHandlers: bool | None = None
    enableContentionProfiling: bool | None = None
    healthzPort: int | None = None
    healthzBindAddress: str | None = None
    oomScoreAdj: int | None = None
    clusterDomain: str | None = None
    clusterDNS: tuple[str, ...] | None = None
    streamingConnectionIdleTimeout: Duration | None = None
    nodeStatusUpdateFrequency: Duration | None = None
    nodeStatusReportFrequency: Duration | None = None
    nodeLeaseDurationSeconds: int | None = None
    imageMinimumGCAge: Duration | None = None
    imageMaximumGCAge: Duration | None = None
    imageGCHighThresholdPercent: int | None = None
    imageGCLowThresholdPercent: int | None = None
    volumeStatsAggPeriod: Duration | None = None
    kubeletCgroups: str | None = None
    systemCgroups: str | None = None
    cgroupRoot: str | None = None
    cgroupsPerQOS: bool | None = None
    cpuManagerPolicy: Literal["none", "static"] | None = None
    singleProcessOOMKill: bool | None = None
    cpuManagerPolicyOptions: dict[str, str] | None = None
    cpuManagerReconcilePeriod: Duration | None = None
    memoryManagerPolicy: Literal["None", "Static"] | None = None
    topologyManagerPolicy: Literal["none", "best-effort", "restricted", "single-numa-node"] | None = None
    topologyManagerScope: Literal["container", "pod"] | None = None
    topologyManagerPolicyOptions: dict[str, str] | None = None
    qosReserved: dict[str, str] | None = None
    runtimeRequestTimeout: Duration | None = None
    hairpinMode: Literal["hairpin-veth", "promiscuous-bridge", "none"] | None = None
    maxPods: int | None = None
    podCIDR: str | None = None
    podPidsLimit: int | None = None
    resolvConf: str | None = None
    runOnce: bool | None = None
    cpuCFSQuota: bool | None = None
    cpuCFSQuotaPeriod: Duration | None = None
    nodeStatusMaxImages: int | None = None
    maxOpenFiles: int | None = None
    contentType: str | None = None
    kubeAPIQPS: int | None = None
    kubeAPIBurst: int | None = None
    serializeImagePulls: bool | None = None
    maxParallelImagePulls: int | None = None
    evictionHard: dict[str, str] | None = None
    evictionSoft: dict[str, str] | None = None
    evictionSoftGracePeriod: dict[str, str] | None = None
    evictionPressureTransitionPeriod: Duration | None = None
    evictionMaxPodGracePeriod: int | None = None
    evictionMinimumReclaim: dict[str, str] | None = None
    mergeDefaultEvictionSettings: bool | None = None
    podsPerCore: int | None = None
    enableControllerAttachDetach: bool | None = None
    protectKernelDefaults: bool | None = None
    makeIPTablesUtilChains: bool | None = None
    iptablesMasqueradeBit: int | None = None
    iptablesDropBit: int | None = None
    featureGates: dict[str, bool] | None = None
    failSwapOn: bool | None = None
    memorySwap: MemorySwap = MemorySwap()
    containerLogMaxSize: str | None = None
    containerLogMaxFiles: int | None = None
    containerLogMaxWorkers: int | None = None
    containerLogMonitorInterval: Duration | None = None
    configMapAndSecretChangeDetectionStrategy: Literal["Get", "Cache", "Watch"] | None = None
    systemReserved: dict[str, str] | None = None
    kubeReserved: dict[str, str] | None = None
    reservedSystemCPUs: str | None = None
    showHiddenMetricsForVersion: str | None = None
    systemReservedCgroup: str | None = None
    kubeReservedCgroup: str | None = None
    enforceNodeAllocatable: tuple[str, ...] | None = None
    allowedUnsafeSysctls: tuple[str, ...] | None = None
    defaultPodSysctls: dict[str, str] | None = None
    volumePluginDir: str | None = None
    providerID: str | None = None
    kernelMemcgNotification: bool | None = None
    logging: dict[str, Any] | None = None
    enableSystemLogHandler: bool | None = None
    enableSystemLogQuery: bool | None = None
    shutdownGracePeriod: Duration | None = None
    shutdownGracePeriodCriticalPods: Duration | None = None
    shutdownGracePeriodByPodPriority: tuple[dict[str, int], ...] | None = None
    crashLoopBackOff: CrashLoopBackOff = CrashLoopBackOff()
    reservedMemory: tuple[dict[str, Any], ...] | None = None
    enableProfilingHandler: bool | None = None
    enableDebugFlagsHandler: bool | None = None
    seccompDefault: bool | None = None
    memoryThrottlingFactor: float | None = None
    memoryReservationPolicy: Literal["None", "TieredReservation"] | None = None
    registerNode: bool | None = None
    tracing: dict[str, Any] | None = None
    localStorageCapacityIsolation: bool | None = None
    failCgroupV1: bool | None = None
    userNamespaces: UserNamespaces = UserNamespaces()
