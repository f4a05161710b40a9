"""The 24 classes of escapes, the probes of each, and where a probe's control runs.

HOST: on the machine itself, as root. JAIL: in an `unshare` of it, because success would harm the
machine. Anything else is the reason why a control cannot be shown here; it is counted apart.
"""

HOST, JAIL = "host", "jail"

NO_RESOURCE = "root of this machine may not lower it either"
NO_X32 = "this kernel has no x32 table"
NO_SYSRQ = "this kernel has no sysrq"
NO_MODULES = "this kernel has no modules"
NO_CONSOLE = "this machine has no virtual console"
NO_CORE = "this kernel has no /proc/kcore"

CLASSES = (
    ("leaked descriptors", {
        "inherited_descriptor": HOST, "descriptor_leads_out": HOST,
        "work_directory_leads_out": HOST, "root_leads_out": HOST}),
    ("overwritten runtime", {
        "init_program": HOST, "init_root": HOST, "init_memory": HOST, "init_descriptors": HOST,
        "system_program_write": HOST, "loader_write": HOST}),
    ("masked paths", {
        "device_directory_write": HOST, "root_write": HOST, "bind_over_device": JAIL,
        "state_uncover": JAIL, "state_read": HOST, "state_rename": HOST, "etc_write": HOST,
        "opt_write": HOST, "remount_writable": JAIL}),
    ("procfs writes", {
        "sysctl_write": HOST, "sysctl_network_write": HOST, "mount_over_proc": JAIL,
        "mount_proc": JAIL, "uncover_proc": JAIL, "oom_score_lower": NO_RESOURCE}),
    ("cgroup release_agent", {
        "cgroup_mount_v1": JAIL, "cgroup_mount_v2": JAIL, "cgroup_release_agent": HOST,
        "cgroup_leave": HOST, "cgroup_namespace": HOST}),
    ("abstract sockets", {
        "abstract_stream": HOST, "abstract_datagram": HOST, "abstract_packets": HOST}),
    ("namespaces to the kernel", {
        "unshare_user": HOST, "unshare_network": HOST, "clone_user": HOST, "clone3_user": HOST,
        "join_namespace": HOST, "open_filesystem": HOST, "packet_filter_socket": HOST,
        "audit_socket": HOST}),
    ("io_uring, bpf, perf, keys", {
        "io_uring": HOST, "bpf_map": HOST, "perf_event": HOST, "userfaultfd": HOST,
        "key_add": HOST, "key_ring": HOST}),
    ("file handles", {
        "handle_of_own_file": HOST, "handle_of_directory": HOST, "handle_of_disk_root": HOST}),
    ("terminal injection", {
        "terminal_input": HOST, "terminal_input_high_bits": HOST, "terminal_discipline": HOST,
        "console_selection": NO_CONSOLE, "terminal_of_host": HOST}),
    ("foreign call tables", {
        "int80_getpid": HOST, "int80_unshare": HOST, "int80_userfaultfd": HOST,
        "x32_getpid": NO_X32}),
    ("other tasks' processes", {
        "trace": HOST, "read_memory": HOST, "write_memory": HOST, "take_descriptor": HOST,
        "compare_processes": HOST, "signal_process_of_host": HOST,
        "handle_of_process_of_host": HOST, "limit_process_of_host": HOST,
        "memory_of_process_of_host": HOST}),
    ("setuid and capabilities", {
        "setuid_program": HOST, "capable_program": HOST, "has_rights": HOST,
        "new_privileges": HOST, "become_root": HOST, "drop_groups": HOST, "plant_setuid": HOST,
        "plant_setuid_by_descriptor": HOST, "plant_setgid": HOST, "plant_capability": HOST,
        "plant_setuid_at_creation": HOST}),
    ("devices and raw sockets", {
        "device_made": HOST, "disk_made": HOST, "device_given": HOST, "disk_of_host": HOST,
        "raw_socket": HOST, "packet_socket": HOST, "hypervisor_socket": HOST}),
    ("core_pattern, sysrq, /sys", {
        "core_pattern": HOST, "binfmt_mount": JAIL, "uevent": HOST, "sys_write": HOST,
        "sys_mount": JAIL, "host_name": JAIL, "sysrq": NO_SYSRQ, "modprobe_path": NO_MODULES}),
    ("network", {
        "loopback_of_host": HOST, "address_of_host": HOST, "metadata_address": JAIL,
        "datagram_out": HOST, "socket_of_engine": HOST, "socket_of_supervisor": HOST,
        "socket_of_visitors": HOST}),
    ("cache poisoning", {
        "artifact_write": HOST, "artifact_replace": HOST, "artifact_mode": HOST,
        "artifact_add": HOST, "artifact_list": HOST}),
    ("control-channel spoofing", {
        "zygote_socket": HOST, "zygote_socket_inherited": HOST, "output_of_other": HOST,
        "end_of_init": HOST}),
    ("System V and POSIX IPC", {
        "shared_memory": HOST, "semaphores": HOST, "message_queue": HOST,
        "posix_message_queue": HOST, "shared_memory_directory": HOST,
        "temporary_directory": HOST}),
    ("/proc of others", {
        "process_environment_of_others": HOST, "process_arguments_of_others": HOST,
        "kernel_addresses": HOST, "kernel_messages": HOST, "kernel_messages_device": HOST,
        "kernel_log": HOST, "kernel_memory": NO_CORE}),
)

# Within a sandbox whose task lists every address and port: what is closed all the same.
EGRESS = ["0.0.0.0/0:1-65535", "[::/0]:1-65535", "0.0.0.0/0:1-65535/udp"]
EGRESS_PROBES = {
    "loopback_of_host": HOST, "address_of_host": HOST, "metadata_address": JAIL,
    "abstract_stream": HOST, "abstract_datagram": HOST, "abstract_packets": HOST,
    "socket_of_engine": HOST, "socket_of_supervisor": HOST, "socket_of_visitors": HOST,
    "interface_changed": JAIL, "route_changed": JAIL, "guard_changed": JAIL, "tap_made": HOST,
    "raw_socket": HOST, "packet_socket": HOST, "unshare_network": HOST}

# What only an image as the root has to show: what its layers hold, and where they are kept.
IMAGE_CLASSES = (
    ("image: its files", {
        "image_file_write": HOST, "image_file_mode": HOST, "image_file_rename": HOST,
        "image_file_link": HOST}),
    ("image: what leads out", {
        "image_link_out": HOST, "image_device": HOST, "image_setuid_program": HOST}),
    ("image: overlay", {"layer_store_read": HOST, "overlay_mount": JAIL, "remount_writable": JAIL}),
)

# Each in an attempt of its own; those with memory may take 64 MiB of it.
COUNT_FLOODS = ("process_flood", "thread_flood", "descriptor_flood")
MEMORY_FLOODS = ("memory_flood", "temporary_flood", "shared_memory_flood", "own_files_flood",
                 "entry_flood")
