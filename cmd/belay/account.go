package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

func account() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Short: "Make, change and disable accounts with passwords, in the database",
		Long: "Accounts are managed in the database of BELAY_DATABASE_URL, so that the first admin can sign in before there is anybody.\n" +
			"A password is asked for at a terminal, or read as one line from standard input; it is never an argument.",
	}
	cmd.AddCommand(accountCreate(), accountPassword(), accountDisable(), accountEnable(), accountList())
	return cmd
}

func accountCreate() *cobra.Command {
	var role, person string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make an account", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accounts(cmd, func(all *service.Accounts, me service.Caller) error {
				word, err := password(cmd)
				if err != nil {
					return err
				}
				made, err := all.Create(cmd.Context(), me, args[0], service.Role(role), id.Person(person), word)
				if err != nil {
					return fmt.Errorf("create account %q: %w", args[0], err)
				}
				cmd.Printf("%s may sign in as %s.\n", made.Name, made.Role)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", string(service.Viewer), "admin, responder or viewer")
	cmd.Flags().StringVar(&person, "person", "", "whose it is in the blueprint (default: nobody's)")
	return cmd
}

func accountPassword() *cobra.Command {
	return &cobra.Command{
		Use: "password NAME", Short: "Change a password and end the sign-ins of the account", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accounts(cmd, func(all *service.Accounts, me service.Caller) error {
				word, err := password(cmd)
				if err != nil {
					return err
				}
				if err := all.SetPassword(cmd.Context(), me, args[0], word); err != nil {
					return fmt.Errorf("change the password of %q: %w", args[0], err)
				}
				cmd.Println("Changed. Whoever was signed in with it is signed out.")
				return nil
			})
		},
	}
}

func accountDisable() *cobra.Command {
	return &cobra.Command{
		Use: "disable NAME", Short: "Keep an account out and end its sign-ins at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accounts(cmd, func(all *service.Accounts, me service.Caller) error {
				if err := all.Disable(cmd.Context(), me, args[0]); err != nil {
					return fmt.Errorf("disable account %q: %w", args[0], err)
				}
				cmd.Println("Disabled.")
				return nil
			})
		},
	}
}

func accountEnable() *cobra.Command {
	return &cobra.Command{
		Use: "enable NAME", Short: "Let a disabled account in again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return accounts(cmd, func(all *service.Accounts, me service.Caller) error {
				if err := all.Enable(cmd.Context(), me, args[0]); err != nil {
					return fmt.Errorf("enable account %q: %w", args[0], err)
				}
				cmd.Println("Enabled.")
				return nil
			})
		},
	}
}

func accountList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return accounts(cmd, func(all *service.Accounts, me service.Caller) error {
				found, err := all.List(cmd.Context(), me)
				if err != nil {
					return fmt.Errorf("list accounts: %w", err)
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, a := range found {
					state := "made " + clock(a.CreatedAt)
					if !a.DisabledAt.IsZero() {
						state = "disabled " + clock(a.DisabledAt)
					}
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", a.Name, a.Role, a.Person, state)
				}
				return out.Flush()
			})
		},
	}
}

// password is asked for twice at a terminal; else it is the first line of what comes in.
func password(cmd *cobra.Command) (string, error) {
	if in, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		first, err := unseen(cmd, in, "Password: ")
		if err != nil {
			return "", err
		}
		second, err := unseen(cmd, in, "Again: ")
		if err != nil {
			return "", err
		}
		if first != second {
			return "", errors.New("the two passwords differ")
		}
		return first, nil
	}
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func unseen(cmd *cobra.Command, in *os.File, question string) (string, error) {
	cmd.PrintErr(question)
	word, err := term.ReadPassword(int(in.Fd()))
	cmd.PrintErrln()
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(word), nil
}

// accounts opens the database: whoever can, may.
func accounts(cmd *cobra.Command, use func(*service.Accounts, service.Caller) error) error {
	o, err := settings()
	if err != nil {
		return err
	}
	all, closeAll, err := app.Accounts(cmd.Context(), o)
	if err != nil {
		return err
	}
	defer closeAll()
	return use(all, service.Caller{Name: "operator", Role: service.Admin, Via: "cli"})
}
