package chaos

// Scenarios are all there are, in the order in which they are played.
func Scenarios() []Scenario {
	return []Scenario{
		{
			Name: "kill", About: "kill -9 of each process, and of all at once, at random instants of a mixed load",
			Long:  "load 8/s\nwait 5s\nkill any 200 times every 1s..5s\nwait 10s\nsettle",
			Short: "load 3/s\nwait 4s\nkill any 12 times every 1s..4s\nwait 5s\nsettle",
		},
		{
			Name: "temporal-down", About: "Temporal is away: the door stays open, and what was over meanwhile pages nobody", Setup: Setup{Gather: true},
			Long:  "load 3/s\nload 1/s passed\nwait 10s\ndown temporal for 5m\nwait 20s\nexpect open-door\nsettle\nexpect one-digest",
			Short: "load 2/s\nload 1/s passed\nwait 4s\ndown temporal for 20s\nwait 8s\nexpect open-door\nsettle",
		},
		{
			Name: "postgres-down", About: "Belay's PostgreSQL is away: everything goes on, in processes that start meanwhile too",
			Long:  "load 4/s\nwait 10s\ndark postgres for 5m then kill worker1 worker2 api1\nwait 20s\nexpect open-door answers\nsettle",
			Short: "load 2/s\nwait 5s\ndark postgres for 24s then kill worker1 api1\nwait 8s\nexpect open-door answers\nsettle",
		},
		{
			Name: "carrier", About: "the carrier of SMS fails in each way it can; another takes over, and hands back", Setup: Setup{Gateway: true},
			Long: "load 5/s\ncarrier 5xx for 60s taken-over\nrecovered within 90s\ncarrier hang for 60s taken-over\nrecovered within 5m\n" +
				"carrier 429 for 60s taken-over\nrecovered within 5m\ncarrier drop for 60s\nrecovered within 5m\ncarrier undelivered for 60s\n" +
				"carrier late for 60s\ncarrier twice for 60s\ncarrier disorder for 60s\ncarrier never for 60s\nwait 20s\nsettle",
			Short: "load 2/s\ncarrier late for 4s\ncarrier twice for 4s\ncarrier disorder for 4s\ncarrier never for 4s\ncarrier undelivered for 5s\n" +
				"carrier drop for 6s\ncarrier hang for 8s\ncarrier 429 for 6s\ncarrier 5xx for 15s taken-over\nrecovered within 60s\nsettle",
		},
		{
			Name: "disk", About: "the disk of Belay's PostgreSQL is full for a while", Setup: Setup{Disk: "small"},
			Long:  "load 4/s\nwait 10s\ndisk full for 60s\nwait 60s\ndisk full for 60s\nwait 20s\nsettle",
			Short: "load 2/s\nwait 4s\ndisk full for 12s\nwait 8s\nsettle",
		},
		{
			Name: "slow-disk", About: "each flush of Belay's PostgreSQL takes 400 ms longer (a library before its own)", Setup: Setup{Disk: "slow"},
			Long:  "load 4/s\nwait 10s\ndisk slow for 2m\nwait 20s\nsettle",
			Short: "load 2/s\nwait 4s\ndisk slow for 12s\nwait 5s\nsettle",
		},
		{
			Name: "clock", About: "the clock of one worker steps by ten minutes, forth and back (the process's own, not the machine's)", Setup: Setup{Clock: true},
			Long:  "load 4/s\nwait 20s\nclock worker1 +10m\nwait 60s\nclock worker1 0s\nwait 30s\nclock worker1 -10m\nwait 60s\nclock worker1 0s\nwait 30s\nsettle",
			Short: "load 2/s\nwait 4s\nclock worker1 +10m\nwait 10s\nclock worker1 -10m\nwait 10s\nclock worker1 0s\nwait 5s\nsettle",
		},
		{
			Name: "cut", About: "the network between the workers and Temporal is silent, or cut",
			Long:  "load 4/s\nwait 10s\ncut hold for 30s\nwait 30s\ncut drop for 30s\nwait 30s\ncut hold for 2m\nwait 30s\nsettle",
			Short: "load 2/s\nwait 4s\ncut hold for 8s\nwait 8s\ncut drop for 8s\nwait 8s\nsettle",
		},
		{
			Name: "upgrade", About: "workers of the previous revision and of this one side by side, then only these",
			Long:  "previous start\nload 5/s\nwait 60s\nkill any 10 times every 2s..6s\nprevious retire\nwait 30s\nsettle",
			Short: "previous start\nload 2/s\nwait 15s\nprevious retire\nwait 8s\nsettle",
		},
		{
			Name: "flood", About: "thousands of acks and notes to one escalation, through new runs",
			Long:  "flood 5000\nsettle",
			Short: "flood 1200\nsettle",
		},
		{
			Name: "soak", About: "half an hour at half load: memory stays flat", ByName: true,
			Long: "load 5/s\nsample begin\nwait 30m\nsample end\nsettle",
		},
	}
}
