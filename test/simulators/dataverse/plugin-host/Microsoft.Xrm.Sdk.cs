using System;
using System.Collections.Generic;
using System.Reflection;

// The types of Microsoft's SDK that a plug-in meets, under their names and with their signatures
// (reference: Microsoft.Xrm.Sdk namespace), as far as ours and its host use them.
[assembly: AssemblyVersion("9.0.0.0")]

namespace Microsoft.Xrm.Sdk
{
    public interface IPlugin
    {
        void Execute(IServiceProvider serviceProvider);
    }

    public interface ITracingService
    {
        void Trace(string format, params object[] args);
    }

    public interface IExecutionContext
    {
        int Mode { get; }
        int IsolationMode { get; }
        int Depth { get; }
        string MessageName { get; }
        string PrimaryEntityName { get; }
        Guid? RequestId { get; }
        ParameterCollection InputParameters { get; }
        ParameterCollection SharedVariables { get; }
        Guid UserId { get; }
        Guid InitiatingUserId { get; }
        Guid OrganizationId { get; }
        string OrganizationName { get; }
        Guid PrimaryEntityId { get; }
        EntityImageCollection PreEntityImages { get; }
        EntityImageCollection PostEntityImages { get; }
        EntityReference OwningExtension { get; }
        Guid CorrelationId { get; }
        Guid OperationId { get; }
    }

    public interface IPluginExecutionContext : IExecutionContext
    {
        int Stage { get; }
        IPluginExecutionContext ParentContext { get; }
    }

    public class DataCollection<TKey, TValue>
    {
        private readonly Dictionary<TKey, TValue> values = new Dictionary<TKey, TValue>();

        public TValue this[TKey key]
        {
            get { return values[key]; }
            set { values[key] = value; }
        }

        public bool TryGetValue(TKey key, out TValue value)
        {
            return values.TryGetValue(key, out value);
        }
    }

    public class ParameterCollection : DataCollection<string, object> { }

    public class AttributeCollection : DataCollection<string, object> { }

    public class EntityImageCollection : DataCollection<string, Entity> { }

    public class Entity
    {
        public Entity(string entityName, Guid id)
        {
            LogicalName = entityName;
            Id = id;
            Attributes = new AttributeCollection();
        }

        public string LogicalName { get; set; }
        public Guid Id { get; set; }
        public AttributeCollection Attributes { get; set; }
    }

    public class EntityReference
    {
        public EntityReference(string logicalName, Guid id)
        {
            LogicalName = logicalName;
            Id = id;
        }

        public string LogicalName { get; set; }
        public Guid Id { get; set; }
        public string Name { get; set; }
    }

    public enum OperationStatus
    {
        Failed = 0,
        Canceled = 1,
        Retry = 2,
        Suspended = 3,
        Succeeded = 4,
    }

    public class InvalidPluginExecutionException : Exception
    {
        public InvalidPluginExecutionException(string message) : base(message) { }

        public InvalidPluginExecutionException(OperationStatus status, int errorCode, string message) : base(message)
        {
            Status = status;
            ErrorCode = errorCode;
        }

        public OperationStatus Status { get; private set; }
        public int ErrorCode { get; private set; }
    }
}
