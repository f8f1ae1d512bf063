package template_test

import (
	"cmp"
	"go/ast"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	bucketPackage  = module + "internal/bucket"
	servicePackage = "github.com/aws/aws-sdk-go-v2/service/"
	managerPackage = "github.com/aws/aws-sdk-go-v2/feature/s3/manager"
)

// functions are the functions by the folders of their mains.
func functions() map[string]string {
	return map[string]string{"api": "Api", "worker": "Worker", "worker/notify": "Notify"}
}

// TestRolesAllowWhatTheCodeDoes derives the permissions from the code and from what
// it does in use, and compares them with roles.yml both ways. The code names every
// operation, so that the use can't miss one; the use names the keys.
func TestRolesAllowWhatTheCodeDoes(t *testing.T) {
	used := useEverything(t)
	for name, function := range functions() {
		t.Run(name, func(t *testing.T) {
			role := function + "Role"
			written, other := readCode(t, name+"/lambda").operations(t)
			compare(t, "called by the code", written, "seen in use", operations(used[name]))

			if len(written) > 0 {
				statements, err := deployment.RoleStatements(role)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, "needed on the buckets", permissionsFor(used[name]), "allowed by "+role, permissions(statements))
			}
			compare(t, "needed elsewhere", append(other, neededByLambda(t, function)...), "allowed by "+role, otherActions(t, role))
		})
	}
}

// compare fails the test unless two lists hold the same, in any order and number.
func compare(t *testing.T, what string, list []string, counterpart string, other []string) {
	t.Helper()
	for _, entry := range slices.Sorted(maps.Keys(setOf(list))) {
		if !slices.Contains(other, entry) {
			t.Errorf("%s is %s, but not %s", entry, what, counterpart)
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(setOf(other))) {
		if !slices.Contains(list, entry) {
			t.Errorf("%s is %s, but not %s", entry, counterpart, what)
		}
	}
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool)
	for _, entry := range list {
		set[entry] = true
	}
	return set
}

// operations returns the operations of S3 that the code calls, each after its bucket,
// and the actions of other services.
func (c code) operations(t *testing.T) (onBuckets, other []string) {
	t.Helper()
	methods := c.bucketOperations(t)
	for path := range c.files {
		c.calls(path, func(in *ast.FuncDecl, expression ast.Expr, function *types.Func) {
			switch receiver := receiverOf(function); {
			case path == bucketPackage:
			case receiver == bucketPackage+".Bucket":
				for _, operation := range methods[function] {
					onBuckets = append(onBuckets, c.side(t, expression)+" "+operation)
				}
			default:
				if service, operation, ok := c.operation(t, expression, function); ok {
					other = append(other, actionOf(service+":"+operation))
				}
			}
		})
	}
	return onBuckets, other
}

// actionOf returns the IAM action of an operation, which mostly is called the same.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func actionOf(operation string) string {
	other := map[string]string{"eventbridge:PutEvents": "events:PutEvents", "lambda:Invoke": "lambda:InvokeFunction"}
	return cmp.Or(other[operation], operation)
}

// side returns input or output, by the field that holds the bucket of a method.
func (c code) side(t *testing.T, method ast.Expr) string {
	if selector, ok := method.(*ast.SelectorExpr); ok {
		if bucket, ok := selector.X.(*ast.SelectorExpr); ok && slices.Contains([]string{"Input", "Output"}, bucket.Sel.Name) {
			return strings.ToLower(bucket.Sel.Name)
		}
	}
	t.Errorf("%v: can't tell which bucket this is", c.position(method.Pos()))
	return "unknown"
}

// bucketOperations returns the operations of S3 behind each function of package bucket.
func (c code) bucketOperations(t *testing.T) map[*types.Func][]string {
	direct, callees := make(map[*types.Func][]string), make(map[*types.Func][]*types.Func)
	c.calls(bucketPackage, func(in *ast.FuncDecl, expression ast.Expr, function *types.Func) {
		if in == nil {
			return
		}
		caller := c.Defs[in.Name].(*types.Func)
		if function.Pkg() == caller.Pkg() {
			callees[caller] = append(callees[caller], function)
		} else if _, operation, ok := c.operation(t, expression, function); ok {
			direct[caller] = append(direct[caller], operation)
		}
	})
	all := make(map[*types.Func][]string)
	var collect func(into, function *types.Func, seen map[*types.Func]bool)
	collect = func(into, function *types.Func, seen map[*types.Func]bool) {
		if seen[function] {
			return
		}
		seen[function] = true
		all[into] = append(all[into], direct[function]...)
		for _, callee := range callees[function] {
			collect(into, callee, seen)
		}
	}
	for _, function := range c.Defs {
		if function, ok := function.(*types.Func); ok && function.Pkg().Path() == bucketPackage {
			collect(function, function, make(map[*types.Func]bool))
		}
	}
	return all
}

// operation returns the service and the operation that a function of the SDK calls,
// and false if it calls none.
func (c code) operation(t *testing.T, expression ast.Expr, function *types.Func) (service, operation string, ok bool) {
	if function.Pkg() == nil {
		return "", "", false
	}
	from := function.Pkg().Path()
	switch {
	case !strings.HasPrefix(from, servicePackage) && from != managerPackage:
		return "", "", false
	case receiverOf(function) == from+".Client" && takesContext(function):
		return path.Base(from), function.Name(), true
	}
	switch cmp.Or(receiverOf(function), from) + "." + function.Name() {
	case servicePackage + "s3.PresignClient.PresignPutObject", managerPackage + ".Uploader.Upload":
		return "s3", "PutObject", true
	case managerPackage + ".Downloader.Download":
		return "s3", "GetObject", true
	case servicePackage + "s3.ListObjectsV2Paginator.NextPage":
		return "s3", "ListObjectsV2", true
	}
	if takesContext(function) {
		t.Errorf("%v: can't tell what %s calls", c.position(expression.Pos()), function.FullName())
	}
	return "", "", false
}

func takesContext(function *types.Func) bool {
	parameters := function.Signature().Params()
	return parameters.Len() > 0 && parameters.At(0).Type().String() == "context.Context"
}

// receiverOf returns the type that a method is of, "" for a plain function.
func receiverOf(function *types.Func) string {
	receiver := function.Signature().Recv()
	if receiver == nil {
		return ""
	}
	return strings.TrimPrefix(receiver.Type().String(), "*")
}

// operations returns the operations of calls, each after its bucket.
func operations(calls []call) (all []string) {
	for _, call := range calls {
		all = append(all, call.side()+" "+call.operation)
	}
	return all
}

// permissionsFor returns what must be allowed for these calls: pairs of an action
// and the narrowest resource with one * that has all their keys.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func permissionsFor(calls []call) (all []string) {
	keys := make(map[string][]string) // by action, bucket and folder
	for _, call := range calls {
		onBucket := "s3:ListBucket arn:aws:s3:::" + call.name()
		switch action := call.operation; action {
		case "ListObjectsV2":
			all = append(all, onBucket)
			continue
		case "HeadObject", "GetObject":
			all = append(all, onBucket) // or what is not there is answered like what is forbidden
			call.operation = "GetObject"
		}
		// Keys of another folder are another resource.
		folder, _, _ := strings.Cut(call.key, "/")
		onKeys := "s3:" + call.operation + " arn:aws:s3:::" + call.name() + "/ " + folder
		keys[onKeys] = append(keys[onKeys], call.key)
	}
	for onKeys, keys := range keys {
		onKeys, _, _ = strings.Cut(onKeys, "/ ")
		all = append(all, onKeys+"/"+narrowest(keys))
	}
	return all
}

// narrowest returns what is the same in all keys, with one * in the place of all that
// differs between uploads or between these keys.
func narrowest(keys []string) string {
	id := regexp.MustCompile(`[a-z2-7]{26}`)
	var start, end string
	for i, key := range keys {
		key = id.ReplaceAllString(key, "*")
		before, _, _ := strings.Cut(key, "*")
		after := key[strings.LastIndex(key, "*")+1:]
		if i == 0 {
			start, end = before, after
		}
		for !strings.HasPrefix(before, start) {
			start = start[:len(start)-1]
		}
		for !strings.HasSuffix(after, end) {
			end = end[1:]
		}
	}
	return start + "*" + end
}

func TestNarrowestResource(t *testing.T) {
	const a, b = "zklycewkdo64v6wcggzzui64ju", "hyr6qfqahfmuum4jj5swjynrgq"
	for want, keys := range map[string][]string{
		"originals/*":       {"originals/" + a, "originals/" + b},
		"i/*/manifest.json": {"i/" + a + "/manifest.json"},
		"i/*":               {"i/" + a + "/manifest.json", "i/" + a + "/01234567/320.webp"},
		"*":                 {"originals/" + a, "i/" + b + "/manifest.json"},
	} {
		if got := narrowest(keys); got != want {
			t.Errorf("%q: got %s, want %s", keys, got, want)
		}
	}
}
