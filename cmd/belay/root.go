package main

import (
	"os"

	"github.com/spf13/cobra"
)

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "belay",
		Short: "An alert becomes an escalation, and somebody answers",
		Long: "Belay takes alerts, tells the people who are on call, and climbs the ladder until somebody answers.\n" +
			"Settings come from the environment; `belay config` shows them.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetOut(os.Stdout) // cobra would print to stderr
	cmd.AddGroup(
		&cobra.Group{ID: "run", Title: "Run it:"},
		&cobra.Group{ID: "organisation", Title: "The organisation:"},
		&cobra.Group{ID: "respond", Title: "Respond:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		"run":          {dev(), serve(), work(), watch(), migrate(), config(), token(), account(), health(), benchmark(), breakage()},
		"organisation": {plan(), apply(), simulates(), explains(), integrations(), serviceLevels(), triggers()},
		"respond":      {open(), acknowledge(), resolve(), show(), list(), tickets(), link(), notify(), windows(), canaries()},
	} {
		for _, c := range commands {
			c.GroupID = group
			cmd.AddCommand(c)
		}
	}
	cmd.AddCommand(showVersion())
	return cmd
}

func showVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Which build this is", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println(describe()) },
	}
}
