package api

import (
	"context"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

func (s *server) ListTokens(ctx context.Context, _ rest.ListTokensRequestObject) (rest.ListTokensResponseObject, error) {
	tokens, err := s.Keyring.List(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Token, len(tokens))
	for i, t := range tokens {
		all[i] = tokenOf(t)
	}
	return rest.ListTokens200JSONResponse{Tokens: all}, nil
}

func (s *server) CreateToken(ctx context.Context, in rest.CreateTokenRequestObject) (rest.CreateTokenResponseObject, error) {
	b := in.Body
	t, secret, err := s.Keyring.Create(ctx, callerOf(ctx), b.Name, service.Role(b.Role), id.Person(value(b.Person)))
	if err != nil {
		return nil, err
	}
	return rest.CreateToken201JSONResponse{Token: tokenOf(t), Secret: secret}, nil
}

func (s *server) RevokeToken(ctx context.Context, in rest.RevokeTokenRequestObject) (rest.RevokeTokenResponseObject, error) {
	if err := s.Keyring.Revoke(ctx, callerOf(ctx), in.Id); err != nil {
		return nil, err
	}
	return rest.RevokeToken204Response{}, nil
}

func (s *server) GetMe(ctx context.Context, _ rest.GetMeRequestObject) (rest.GetMeResponseObject, error) {
	caller := callerOf(ctx)
	may := []string{}
	for _, action := range service.Actions() {
		if (service.Access{}).May(caller, action) == nil {
			may = append(may, string(action))
		}
	}
	return rest.GetMe200JSONResponse{
		Name: caller.Name, Role: string(caller.Role), Person: optional(string(caller.Person)), May: may,
	}, nil
}

func tokenOf(t service.Token) rest.Token {
	return rest.Token{
		Id: t.ID, Name: t.Name, Role: rest.Role(t.Role), Person: optional(string(t.Person)),
		CreatedAt: t.CreatedAt, RevokedAt: instant(t.RevokedAt),
	}
}
