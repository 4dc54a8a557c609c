package main

import "github.com/spf13/cobra"

func integrations() *cobra.Command {
	cmd := &cobra.Command{Use: "integrations", Short: "Doors for monitors", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var x explanation
	test := &cobra.Command{
		Use: "test FILE --integration NAME --blueprint DIR", Short: "Say what the mapping of an integration makes of a file", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return x.run(cmd, args[0]) },
	}
	flags := test.Flags()
	flags.StringVar(&x.format, "format", "json", "who speaks")
	flags.StringVar(&x.dir, "blueprint", "", "directory with a blueprint")
	flags.StringVar(&x.integration, "integration", "", "which integration")
	flags.StringArrayVar(&x.headers, "header", nil, "header of the request, as 'Name: value'; may be given more than once")
	output(test, &x.json)
	_ = test.MarkFlagRequired("blueprint")
	_ = test.MarkFlagRequired("integration")
	cmd.AddCommand(test)
	return cmd
}
