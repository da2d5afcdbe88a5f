import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.UnExecutableSchemaGenerator;
import java.io.File;

/** Builds the schema of an SDL file with graphql-java, which also validates it; prints the number of types. */
public final class LoadSchema {
    public static void main(String[] args) {
        var registry = new SchemaParser().parse(new File(args[0]));
        System.out.println(UnExecutableSchemaGenerator.makeUnExecutableSchema(registry).getAllTypesAsList().size());
    }
}
