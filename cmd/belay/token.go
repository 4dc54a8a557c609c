package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

func token() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Make, list and revoke bearer tokens, in the database",
		Long: "Tokens are managed in the database of BELAY_DATABASE_URL, so that the first one can be made before anybody has one.",
	}
	cmd.AddCommand(tokenCreate(), tokenList(), tokenRevoke())
	return cmd
}

func tokenCreate() *cobra.Command {
	var role, person string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a token; its secret is shown once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return keyring(cmd, func(keys *service.Keyring, me service.Caller) error {
				made, secret, err := keys.Create(cmd.Context(), me, args[0], service.Role(role), id.Person(person))
				if err != nil {
					return fmt.Errorf("create token %q: %w", args[0], err)
				}
				if asJSON {
					return write(cmd, map[string]any{"id": made.ID, "name": made.Name, "role": made.Role, "person": made.Person, "secret": secret})
				}
				cmd.Println(secret)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", string(service.Viewer), "admin, responder, viewer or integration")
	cmd.Flags().StringVar(&person, "person", "", "whose it is (default: a machine's)")
	output(cmd, &asJSON)
	return cmd
}

func tokenList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List tokens, without secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return keyring(cmd, func(keys *service.Keyring, me service.Caller) error {
				tokens, err := keys.List(cmd.Context(), me)
				if err != nil {
					return fmt.Errorf("list tokens: %w", err)
				}
				if asJSON {
					return write(cmd, tokens)
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, t := range tokens {
					state := "made " + clock(t.CreatedAt)
					if !t.RevokedAt.IsZero() {
						state = "revoked " + clock(t.RevokedAt)
					}
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Role, t.Name, t.Person, state)
				}
				return out.Flush()
			})
		},
	}
	output(cmd, &asJSON)
	return cmd
}

func tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Make a token worthless at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return keyring(cmd, func(keys *service.Keyring, me service.Caller) error {
				if err := keys.Revoke(cmd.Context(), me, args[0]); err != nil {
					return fmt.Errorf("revoke token %s: %w", args[0], err)
				}
				cmd.Println("Revoked.")
				return nil
			})
		},
	}
}

// keyring opens the database: whoever can, may.
func keyring(cmd *cobra.Command, use func(*service.Keyring, service.Caller) error) error {
	o, err := settings()
	if err != nil {
		return err
	}
	keys, closeAll, err := app.Keyring(cmd.Context(), o)
	if err != nil {
		return err
	}
	defer closeAll()
	return use(keys, service.Caller{Name: "operator", Role: service.Admin, Via: "cli"})
}
