# What scripts that know docker ask: fields of inspect, sizes, updates of a policy, prunes with filters.

fields() {
	expect_ok cloche inspect -f "$2" "$1"
}

test_inspect_has_dockers_fields() {
	use_busybox
	expect_ok cloche create --name web --restart on-failure:3 -v "$T:/x:ro" -v vol:/data -p 127.0.0.1:8099:80 \
		--cap-add NET_ADMIN --cap-drop CHOWN --security-opt no-new-privileges --tmpfs /tt --health-cmd true -l a=b \
		--add-host h:1.2.3.4 --dns 9.9.9.9 --shm-size 1m --stop-timeout 7 --log-opt max-size=1m --domainname d -i \
		--entrypoint sh -e 'A=1' -w /tmp busybox -c 'sleep 1000'
	fields web '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} {{json .HostConfig.Binds}}'
	expect_eq "$out" "on-failure 3 [\"vol:/data\",\"$T:/x:ro\"]"
	fields web '{{json .HostConfig.PortBindings}} {{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}} {{json .HostConfig.SecurityOpt}}'
	expect_eq "$out" '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8099"}]} ["NET_ADMIN"] ["CHOWN"] ["no-new-privileges"]'
	fields web '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.Privileged}} {{.HostConfig.ShmSize}} {{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}}'
	expect_eq "$out" "0 0 false 1048576 json-file 1m"
	fields web '{{json .HostConfig.ExtraHosts}} {{json .HostConfig.Dns}} {{.HostConfig.PidMode}}|{{.HostConfig.NetworkMode}} {{range $k, $v := .HostConfig.Tmpfs}}{{$k}}{{end}}'
	expect_eq "$out" '["h:1.2.3.4"] ["9.9.9.9"] |private /tt'
	fields web '{{.Config.Hostname}} {{.Config.Domainname}} {{.Config.OpenStdin}} {{.Config.Tty}} {{.Config.StopTimeout}} {{.Config.StopSignal}} {{.Config.WorkingDir}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{index .Config.Labels "a"}}'
	expect_match "$out" '^[0-9a-f]{12} d true false 7 SIGTERM /tmp \["sh"\] \["-c","sleep 1000"\] b$'
	fields web '{{json .Config.Env}} {{index .Config.Healthcheck.Test 1}} {{json .NetworkSettings.Ports}}'
	expect_match "$out" '"A=1".* true \{\}$'
	fields web '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.Restarting}} {{.State.Health.Status}} {{.RestartCount}} {{.Name}} {{.Platform}}'
	expect_eq "$out" "created false 0 0 false none 0 /web linux"
	fields web '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}},{{end}} {{.Driver}} {{.GraphDriver.Name}}'
	expect_match "$out" '^volume /data true,tmpfs /tt true,bind /x false, overlay (overlay|copy)$'
}

test_inspect_of_one_that_runs() {
	use_busybox
	expect_ok cloche run -d --name web --health-cmd 'echo well' --health-interval 100ms busybox sleep 1000
	healthy() { [ "$(cloche inspect -f '{{.State.Health.Status}}' web)" = healthy ]; }
	wait_for 20 healthy
	fields web '{{.State.Health.FailingStreak}} {{(index .State.Health.Log 0).Output}}'
	expect_eq "$out" "0 well"
	fields web '{{.State.Running}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}}{{end}} {{.NetworkSettings.IPAddress}}'
	expect_eq "$out" "true 10.0.2.100 10.0.2.2 10.0.2.100"
	[ -d "/proc/$(cloche inspect -f '{{.State.Pid}}' web)" ] || fail "no such pid"
	expect_file "$(cloche inspect -f '{{.HostsPath}}' web)"
	expect_file "$(cloche inspect -f '{{.LogPath}}' web)"
	expect_ok cloche rm -f web
	expect_ok cloche create --name plain --network none busybox true
	fields plain '{{if .State.Health}}checked{{else}}not checked{{end}} {{range $n, $v := .NetworkSettings.Networks}}{{$n}}{{end}}'
	expect_eq "$out" "not checked none"
}

test_sizes() {
	use_busybox
	expect_ok cloche run --name big --network none busybox sh -c 'head -c 3000000 /dev/zero >/f; mkdir -m 700 /closed; echo 1234567 >/closed/f; chown -R 5:5 /closed'
	fields_with_size() { expect_ok cloche inspect --size -f '{{.SizeRw}} {{.SizeRootFs}}' big; }
	fields_with_size
	expect_match "$out" '^3000008 [0-9]{7}$'
	[ "${out#* }" -gt 3000008 ] || fail "without its image: $out"
	expect_ok cloche ps -a --size
	expect_match "$out" 'NAMES +SIZE'
	expect_match "$out" 'big +3MB \(virtual [0-9.]+MB\)'
	expect_ok cloche ps -a --format '{{.Size}}'
	expect_match "$out" '^3MB \(virtual'
	expect_fail 125 cloche inspect -f '{{.SizeRw}}' big
}

is_state() {
	[ "$(cloche ps -a --filter "name=^$1$" --format '{{.State}}')" = "$2" ]
}

test_update_of_the_restart_policy() {
	use_busybox
	expect_ok cloche run -d --name web --network none busybox sh -c 'echo life; exec sleep 1000'
	expect_ok cloche update --restart always web
	expect_eq "$out" web
	fields web '{{.HostConfig.RestartPolicy.Name}}'
	expect_eq "$out" always
	kill -KILL "$(cloche inspect -f '{{.State.Pid}}' web)"
	two_lives() { [ "$(cloche logs web | grep -c life)" = 2 ]; }
	wait_for 20 two_lives
	wait_for 5 is_state web running
	expect_ok cloche update --restart no web
	kill -KILL "$(cloche inspect -f '{{.State.Pid}}' web)"
	wait_for 10 is_state web exited
	# One that waits for its next life has none any more.
	expect_ok cloche update --restart on-failure:50 web
	expect_ok cloche create --name fails --network none --restart always busybox false
	expect_ok cloche start fails
	wait_for 10 is_state fails restarting
	expect_ok cloche update --restart no fails
	wait_for 10 is_state fails exited
	expect_fail 1 cloche update --restart never web
	expect_match "$err" "unless-stopped"
	expect_ok cloche create --name brief --rm --network none busybox true
	expect_fail 1 cloche update --restart always brief
	expect_match "$err" "--rm"
	expect_ok cloche rm -f web fails brief
}

test_prunes_with_filters() {
	use_busybox
	expect_ok cloche create --name one -l keep=yes --network none busybox true
	expect_ok cloche create --name two --network none busybox true
	expect_fail 125 cloche system prune -f --filter foo=bar
	expect_match "$err" "until=.*label="
	expect_ok cloche system prune -f --filter until=1h
	expect_eq "$(cloche ps -aq | wc -l)" 2
	expect_ok cloche system prune -f --filter label!=keep
	expect_ok cloche ps -a --format '{{.Names}}'
	expect_eq "$out" one
	expect_ok cloche images -q
	expect_match "$out" .
	expect_ok cloche system prune -f --filter label=keep=yes
	expect_ok cloche ps -aq
	expect_eq "$out" ""
	expect_ok cloche image prune -a -f --filter until=1h
	expect_ok cloche images -q
	expect_match "$out" .
	expect_ok cloche image prune -a -f --filter until=0s
	expect_ok cloche images -q
	expect_eq "$out" ""
}
