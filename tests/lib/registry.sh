# Debian's docker-registry on loopback, for the tests that need one.

# start_registry [LINES OF CONFIGURATION]: sets $host.
start_registry() {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	host=127.0.0.1:$port
	cat >"$T/registry.yml" <<-END
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $T/registry}, delete: {enabled: true}}
		http: {addr: "$host"${1:-}}
		${2:-}
	END
	docker-registry serve "$T/registry.yml" >"$T/registry.log" 2>&1 &
	registry_pid=$!
	wait_for 20 python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))"
}

stop_registry() {
	kill "$registry_pid"
	wait "$registry_pid" || true
}
